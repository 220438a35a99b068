"""Every operation of the published document, asked by every principal about tickets of its own, of others and of nobody,
judged by tables that share no code with the product: `access.txt` says who may, `SEES` who sees which ticket."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from tests.contract.replies import document
from tests.contract.test_authorization import (
    ROLES,
    SEES,
    STRANGERS,
    World,
    ask,
    example_body,
    world,  # noqa: F401
)

TABLE = Path(__file__).with_name("access.txt")
INITIALS = {
    "O": "operator",
    "D": "dispatcher",
    "H": "handler",
    "S": "supervisor",
    "A": "auditor",
    "M": "admin",
    "G": "gateway",
}
EVERYBODY = frozenset(INITIALS.values())
SECRETS = {  # of each ticket: words, names and numbers that are nobody's who may not see it
    "lift": ("3栋电梯坏了", "王秀英", "13800138000"),
    "water": ("9栋停水了", "李国强", "13800138001"),
    "confidential": ("举报有人吃回扣", "赵某", "13800138002"),
    "loose": ("说不清楚的事情", "13800138003"),
}
NEVER = ("赵某", "13800138002")  # who told of it: shown to nobody who does not give a reason
MISSING = (
    "{} {} no line of tests/contract/access.txt: add it to the line of those who may use it, or to `open:` where it needs no "
    "log-in; write the line from what the operation is for, not from its code"
)


def access() -> tuple[dict[str, frozenset[str] | None], frozenset[str]]:
    """The roles that may use each operation, by its id (None: without a log-in); and those that an administrator of a
    part is refused."""
    may: dict[str, frozenset[str] | None] = {}
    whole: list[str] = []
    for line in TABLE.read_text().splitlines():
        who, colon, names = line.partition(":")
        if not colon or line.startswith("#"):
            continue
        if who == "whole":
            whole += names.split()
            continue
        roles = None if who == "open" else EVERYBODY if who == "all" else frozenset(INITIALS[letter] for letter in who)
        for name in names.split():
            assert name not in may, f"{name} stands in access.txt twice"
            may[name] = roles
    return may, frozenset(whole)


def operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            yield operation["operationId"], method.upper(), path, operation


def test_every_operation_stands_in_the_table() -> None:
    may, whole = access()
    ids = {name for name, *_ in operations()}
    new, gone = sorted(ids - may.keys()), sorted((may.keys() | whole) - ids)
    assert not new, MISSING.format(", ".join(new), "stands in" if len(new) == 1 else "stand in")
    assert not gone, f"{', '.join(gone)}: no such operation; take it out of tests/contract/access.txt"


def test_what_the_document_says_of_roles_is_what_the_table_says() -> None:
    may, _ = access()
    for name, _, path, operation in operations():
        if not path.startswith("/open311/"):
            said = operation["x-authz"]["roles"]
            assert (None if said is None else frozenset(said)) == may[name], name


def expected(name: str, method: str, who: str, thing: str | None, roles: frozenset[str] | None) -> set[int]:
    """The statuses that may be answered. `thing`: the ticket that is asked about, None where none is."""
    if roles is None:
        return set(range(200, 500))
    if who in STRANGERS:
        return {401}
    if ROLES.get(who, "handler") not in roles:
        return {403}
    if thing is None:
        refused = {403} if who in ("admin of block 3", "auditor of block 9") and name in access()[1] else set()
        return refused or set(range(200, 500)) - {401, 403}
    if thing not in SEES[who] or name == "read_attachment":
        return {404}
    return {201} if name == "attach_file" else {200} if method == "GET" else {412, 422}


def leaked(who: str, reply: httpx.Response, sent: str) -> Sequence[str]:
    """What stands in a reply that this principal may not know. What it sent itself is no secret."""
    unseen = [word for thing, words in SECRETS.items() if thing not in SEES[who] for word in words]
    text = reply.text
    return [word for word in dict.fromkeys([*unseen, *NEVER]) if word in text and word not in sent]


async def test_no_principal_gets_an_answer_the_oracle_would_not_give(
    app: FastAPI,
    world: World,  # noqa: F811
    db: Any,
) -> None:
    may, _ = access()
    cells, leaks = 0, []
    schemas = document()["components"]["schemas"]
    # the scopes are the same SQL: PostgreSQL takes every second operation
    asked = list(operations())[:: 1 if db.dialect.name == "sqlite" else 2]
    for name, method, path, operation in asked:
        sent = str(example_body(operation, schemas))
        things: Sequence[str | None] = list(world.tickets) if "{number}" in path else [None]
        for who, client in world.clients.items():
            if name == "log_out" and who not in STRANGERS:
                continue  # of a key there is nothing to end
            for thing in things:
                where = re.sub(r"\{format\}", "json", path)
                if thing is not None:
                    ticket = world.tickets[thing]
                    order = ticket["assignments"][0]["id"] if ticket["assignments"] else f"{ticket['number']}-1"
                    where = where.replace("{number}", ticket["number"]).replace("{assignment}", order)
                where = re.sub(r"\{\w+\}", "nobody", where)
                # version 0: nothing is ever changed by asking
                reply = await ask(client, method, where, operation, app, 0)
                cells += 1
                right = expected(name, method, who, thing, may[name])
                if reply.status_code not in right:
                    leaks.append((name, who, thing, reply.status_code, sorted(right)[:3]))
                if told := leaked(who, reply, sent):
                    leaks.append((name, who, thing, "tells", told))
    print(f"access matrix: {cells} cells, {len(asked)} operations, {len(world.clients)} principals, {len(leaks)} leaks")
    assert leaks == [], "\n".join(map(str, leaks))
    assert cells >= 6000 * len(asked) / len(may)
