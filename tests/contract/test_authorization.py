"""Every operation, asked by every principal about every object, judged by an oracle that shares no code with the
product.

A leak is an answer the oracle would not give. The matrix is made from the route table, so that a new route is in it
by itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.console.pages import PAGES
from hotline.openapi import api_routes
from hotline.organisation.dependencies import access_policy
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.scopes import Scope
from hotline.organisation.service.accounts import NewKey, add_key, revoke_key
from hotline.streaming.service import Stream
from hotline.tickets.context import Services
from hotline.tickets.store import assignments, callers, dispatch_queue, facts, lists
from tests.conftest import Cast, Clock, Player, broken
from tests.contract.replies import document

# The oracle. Objects and who may see them, by hand: the desk by area, departments by order, contractors by performing.
SEES: dict[str, set[str]] = {
    "operator": {"lift", "water", "confidential", "loose"},
    "dispatcher": {"lift", "water", "confidential", "loose"},
    "supervisor": {"lift", "water", "confidential", "loose"},
    "auditor": {"lift", "water", "confidential", "loose"},
    "admin": {"lift", "water", "confidential", "loose"},
    "operator of block 3": {"lift"},  # buildings 1-4
    "admin of block 3": {"lift"},
    "auditor of block 9": {"water"},
    "handler of the lead": {"lift"},
    "handler of its parent": {"lift"},
    "handler of its child": set(),
    "handler of a sibling": set(),
    "handler of the contractor": {"lift"},
    "handler of an assisting one": {"lift"},
    "handler of water": {"water"},
    "gateway": set(),
    "gateway of block 3": set(),
    "anonymous": set(),
    "revoked": set(),
    "expired": set(),
    "forged": set(),
}
ROLES = {
    "operator": "operator",
    "dispatcher": "dispatcher",
    "supervisor": "supervisor",
    "auditor": "auditor",
    "admin": "admin",
    "operator of block 3": "operator",
    "admin of block 3": "admin",
    "auditor of block 9": "auditor",
    "gateway": "gateway",
    "gateway of block 3": "gateway",
}
GRANTS = {
    "operator": Grant(frozenset({Role.OPERATOR})),
    "dispatcher": Grant(frozenset({Role.DISPATCHER})),
    "supervisor": Grant(frozenset({Role.SUPERVISOR})),
    "auditor": Grant(frozenset({Role.AUDITOR})),
    "admin": Grant(frozenset({Role.ADMIN})),
    "operator of block 3": Grant(frozenset({Role.OPERATOR}), None, "rq-g1"),
    "admin of block 3": Grant(frozenset({Role.ADMIN}), None, "rq-g1"),
    "auditor of block 9": Grant(frozenset({Role.AUDITOR}), None, "rq-b9"),
    "handler of the lead": Grant(frozenset({Role.HANDLER}), "property-works"),
    "handler of its parent": Grant(frozenset({Role.HANDLER}), "property"),
    "handler of its child": Grant(frozenset({Role.HANDLER}), "cleaning"),
    "handler of a sibling": Grant(frozenset({Role.HANDLER}), "property-desk"),
    "handler of the contractor": Grant(frozenset({Role.HANDLER}), "lifts"),
    "handler of an assisting one": Grant(frozenset({Role.HANDLER}), "security"),
    "handler of water": Grant(frozenset({Role.HANDLER}), "water"),
    "gateway": Grant(frozenset({Role.GATEWAY})),
    "gateway of block 3": Grant(frozenset({Role.GATEWAY}), None, "rq-g1"),
}
STRANGERS = {"anonymous", "revoked", "expired", "forged"}
OWN = {
    "handler of the lead": {"property-works"},
    "handler of its parent": {"property", "property-works", "property-desk", "security", "cleaning", "greening"},
    "handler of its child": {"cleaning"},
    "handler of a sibling": {"property-desk"},
    "handler of the contractor": {"lifts"},
    "handler of an assisting one": {"security"},
    "handler of water": {"water"},
}
OPEN_TO_ALL = {"healthz", "readyz", "readyz_intake", "metrics", "security_txt", "log_in", "look_up_ticket", "look_up_photo"} | {
    "read_duty_feed",  # by its own token
    "push_text", "push_text_by_get", "push_report", "push_report_by_get", "push_order", "push_voice",
    "look_up_for_exchange_by_post",
    "look_up_for_exchange",  # by their provider's signature
}  # fmt: skip


@dataclass
class World:
    clients: dict[str, httpx.AsyncClient]
    tickets: dict[str, dict[str, Any]]


@pytest.fixture
async def world(app: FastAPI, services: Services, desk: Player, cast: Cast, clock: Clock) -> AsyncIterator[World]:
    lift = await desk.call("3栋电梯坏了", category="dt-fault", caller={"phone": "13800138000", "name": "王秀英"})
    water = await desk.call("9栋停水了", category="sdq-water", caller={"phone": "13800138001", "name": "李国强"})
    confidential = await desk.call(
        "举报有人吃回扣", category="za-misconduct", caller={"phone": "13800138002", "name": "赵某"}
    )
    loose = await desk.call("说不清楚的事情", caller={"phone": "13800138003"})
    assert [t["status"] for t in (lift, water, confidential, loose)] == [
        "dispatched",
        "dispatched",
        "dispatched",
        "received",
    ]
    lift = await desk.order(lift, "assist", department="security")
    secrets: dict[str, str | None] = {"anonymous": None, "forged": "hl_0123456789abcdef_" + "A" * 43}
    for name, grant in GRANTS.items():
        secrets[name] = (await add_key(services, NewKey(name, grant), "test", services.clock()))["secret"]
    revoked = await add_key(services, NewKey("revoked", GRANTS["admin"]), "test", services.clock())
    await revoke_key(services, app.state.actor_cache, revoked["id"], services.clock())
    expired = await add_key(
        services, NewKey("expired", GRANTS["admin"], services.clock() + timedelta(seconds=1)), "test", services.clock()
    )
    secrets |= {"revoked": revoked["secret"], "expired": expired["secret"]}
    clock.forward(seconds=10)
    clients = {
        name: httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://hotline",
            headers={"authorization": f"Bearer {s}"} if s else {},
        )
        for name, s in secrets.items()
    }
    yield World(
        clients,
        {
            "lift": lift,
            "water": water,
            "confidential": confidential,
            "loose": loose,
            "nothing": {**lift, "number": "100009991"},
        },
    )
    for client in clients.values():
        await client.aclose()


def operations() -> list[tuple[str, str, str, dict[str, Any]]]:
    """(operation id, method, path, the operation) of the published document; Open311 asks for a key in another way, and
    has its own stories."""
    return [
        (operation["operationId"], method.upper(), path, operation)
        for path, item in document()["paths"].items()
        if not path.startswith("/open311/")
        for method, operation in item.items()
    ]


def example_body(operation: dict[str, Any], schemas: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rsplit("/", 1)[-1]
    examples = schemas.get(name, {}).get("examples")
    return examples[0] if examples else {}


async def test_every_route_declares_who_may_use_it(app: FastAPI) -> None:
    undeclared = [r.path for r in api_routes(app) if access_policy(r) is None]
    assert undeclared == []
    for operation_id, _, _, operation in operations():
        assert (operation["x-authz"]["roles"] is None) == (operation_id in OPEN_TO_ALL), operation_id


# read by supervisors and not by auditors: lists to work from that show callers' numbers, and a resident's own secret
NOT_FOR_AUDITORS = {
    "list_inbound", "read_inbound", "list_stopped", "list_return_calls", "read_my_calls", "read_query_code",
}  # fmt: skip


def test_an_auditor_reads_what_a_supervisor_reads() -> None:
    closed = {
        operation_id
        for operation_id, method, _, operation in operations()
        if method == "GET" and "supervisor" in (operation["x-authz"]["roles"] or ())
        and "auditor" not in operation["x-authz"]["roles"]
    }  # fmt: skip
    assert closed == NOT_FOR_AUDITORS
    pages = {page.name for page in PAGES if Role.SUPERVISOR in page.roles and Role.AUDITOR not in page.roles}
    assert pages == {"dispatch"}  # a page to act on


async def ask(
    client: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any], app: FastAPI, version: int
) -> httpx.Response:
    schemas = document()["components"]["schemas"]
    kw: dict[str, Any] = {"headers": {"if-match": f'"{version}"'}}
    if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        kw["files"] = {"file": ("a.png", b"\x89PNG\r\n\x1a\n0000", "image/png")}
    elif method in ("POST", "PUT", "PATCH"):
        kw["json"] = example_body(operation, schemas)
    if path == "/v1/stream":  # it answers for as long as somebody listens: let go as soon as it has begun
        asked = asyncio.create_task(client.request(method, path, **kw))
        while not asked.done():
            for listener in list(app.state.services.part(Stream)._listeners):
                listener.close()
            await asyncio.sleep(0.002)
        return await asked
    return await client.request(method, path, **kw)


async def test_out_of_sight_looks_exactly_like_not_there(world: World) -> None:
    pipes = world.clients["handler of water"]
    there = await pipes.get(f"/v1/tickets/{world.tickets['lift']['number']}")
    nothing = await pipes.get("/v1/tickets/100009991")
    assert (there.status_code, there.content) == (nothing.status_code, nothing.content)


LISTS = [
    {},
    {"q": "了"},
    {"status": "dispatched"},
    {"sort": "updated_at"},
    {"area": "rq"},
    {"department": "water"},
    {"priority": "urgent"},
    {"channel": "phone"},
    {"created_from": "2026-01-01T00:00:00Z"},
]


@pytest.mark.parametrize("params", LISTS, ids=str)
async def test_a_list_shows_each_principal_a_subset_of_what_it_may_see(params: dict[str, str], world: World) -> None:
    names = {t["number"]: name for name, t in world.tickets.items()}
    for who, client in world.clients.items():
        reply = await client.get("/v1/tickets", params=params)
        if who in STRANGERS or who.startswith("gateway"):
            assert reply.status_code == (403 if who.startswith("gateway") else 401)
            continue
        shown = {names[item["number"]] for item in reply.json()["items"]}
        whole = {
            names[i["number"]] for i in (await world.clients["admin"].get("/v1/tickets", params=params)).json()["items"]
        }
        assert shown == whole & SEES[who], who


async def test_boards_and_queues_are_only_their_own(world: World) -> None:
    for who, client in world.clients.items():
        for code in ("property-works", "water", "lifts"):
            for page in ("queue", "board", "duty", "candidates"):
                status = (await client.get(f"/v1/departments/{code}/{page}")).status_code
                if who in STRANGERS or who.startswith("gateway"):
                    assert status in (401, 403)
                elif who in OWN:
                    assert status == (200 if code in OWN[who] else 404), (who, code)
                else:
                    assert status == 200, (who, code)
    queue = await world.clients["operator of block 3"].get("/v1/departments/water/queue")
    assert queue.json()["items"] == []  # the desk of block 3 sees block 3, whoever works there


async def test_what_is_named_in_a_body_is_checked_like_what_is_named_in_a_path(world: World) -> None:
    """Merging or joining must not reach a ticket that is not theirs to see."""
    block = world.clients["operator of block 3"]
    lift, water = world.tickets["lift"], world.tickets["water"]
    reply = await block.post(
        f"/v1/tickets/{lift['number']}/actions/merge",
        json={"target": water["number"]},
        headers={"if-match": f'"{lift["version"]}"'},
    )
    assert reply.status_code == 422
    assert broken(reply.json()) == [("target", "no such ticket")]
    reply = await block.post("/v1/calls", json={"channel": "phone", "narrative": "x", "attach_to": water["number"]})
    assert reply.status_code == 422
    reply = await block.post("/v1/calls", json={"channel": "phone", "narrative": "x", "location": {"area": "rq-b9"}})
    assert broken(reply.json()) == [("location.area", "outside your areas")]


async def test_what_is_known_elsewhere_is_not_known_here(app: FastAPI, services: Services, world: World) -> None:
    block = world.clients["operator of block 3"]
    pop = (await block.post("/v1/callers/lookup", json={"phone": "13800138001"})).json()
    assert (pop["match"], pop["caller"], pop["names"]) == ("unknown", None, [])
    assert (await block.get("/v1/departments/water/board")).json()["counts"] == {}
    grant = Grant(frozenset({Role.HANDLER}), "water", "rq-g1")
    made = await add_key(services, NewKey("narrow", grant), "test", services.clock())
    headers = {"authorization": f"Bearer {made['secret']}"}
    assert (await block.get("/v1/tickets", headers=headers)).json()["items"] == []  # an area limits a handler too
    assert (await block.get("/v1/departments/water/queue", headers=headers)).json()["items"] == []
    assert (await block.get("/v1/departments/water/queue")).json()["items"] == []


async def test_anothers_idempotency_key_reveals_nothing(world: World) -> None:
    body = {"channel": "phone", "narrative": "路灯坏了"}
    first = await world.clients["operator"].post("/v1/calls", json=body, headers={"idempotency-key": "k"})
    other = await world.clients["dispatcher"].post("/v1/calls", json=body, headers={"idempotency-key": "k"})
    assert first.json()["ticket"]["number"] != other.json()["ticket"]["number"]


UNFILTERED = {
    "ticket lists": (lists, "load_tickets", "/v1/tickets"),
    "department queues": (assignments, "load_open_orders", "/v1/departments/water/queue"),
    "the dispatcher's queue": (dispatch_queue, "load_dispatch_queue", "/v1/queue"),
    "caller cards": (callers, "load_caller_tickets", "POST /v1/callers/lookup"),
    "caller names": (callers, "load_caller_names", "POST /v1/callers/lookup"),
    "boards within areas": (assignments, "load_open_work", "/v1/departments/water/board"),
}


@pytest.mark.parametrize("what", UNFILTERED)
async def test_content_turns_red_where_a_query_loses_its_scope(
    what: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator of block 3 must see nothing of water in block 3; take the filter away, and it shows."""
    module, name, path = UNFILTERED[what]
    block = world.clients["operator of block 3"]

    async def look() -> str:
        if path.startswith("POST"):
            reply = await block.post(path[5:], json={"phone": "13800138001"})
        else:
            reply = await block.get(path, headers={"cache-control": "no-cache"})
        assert reply.status_code == 200
        return reply.text

    before = await look()
    real = getattr(module, name)

    async def unfiltered(db: Any, *args: Any, **kw: Any) -> Any:
        everything = [Scope(True, None, frozenset()) if isinstance(a, Scope) else a for a in args]
        return await real(db, *everything, **kw)

    monkeypatch.setattr(module, name, unfiltered)
    assert await look() != before


async def test_the_matrix_turns_red_where_a_scope_filter_is_missing(
    app: FastAPI, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test: without the filter in the queries, somebody sees what is not theirs."""
    real = facts.load_facts

    async def unfiltered(db: Any, scope: Any, number: str) -> Any:
        return await real(db, Scope(True, None, frozenset()), number)

    monkeypatch.setattr(facts, "load_facts", unfiltered)
    pipes = world.clients["handler of water"]
    number = world.tickets["lift"]["number"]
    by_number = [o for o in operations() if "{number}" in o[2] and "handler" in o[3]["x-authz"]["roles"]]
    caught = 0
    for _, method, path, operation in by_number:
        order = world.tickets["lift"]["assignments"][0]["id"]
        where = path.replace("{number}", number).replace("{assignment}", order).replace("{attachment}", "nothing")
        reply = await ask(pipes, method, where, operation, app, 0)
        caught += reply.status_code != 404 or "attachment" in reply.json()["detail"]
    assert caught == len(by_number) > 10


async def test_revealing_a_caller_needs_a_reason_and_is_logged(desk: Player, watch: Player, cast: Cast) -> None:
    t = await desk.call("举报有人吃回扣", category="za-misconduct", caller={"phone": "13800138002", "name": "赵某"})
    assert t["caller"] == {
        "id": None,
        "phone": None,
        "name": None,
        "contact": None,
        "confidential": True,
        "masked": True,
    }
    number = t["number"]
    shown = await watch.act({**t, "number": f"{number[:3]}-{number[3:]}"}, "reveal", reason="核实线索")
    assert shown["caller"]["phone"] == "+8613800138002"
    logged = (await (await cast("committee")).get(f"/v1/security-log?about={number}")).json()["items"]
    assert [(item["deed"], item["by"]["id"]) for item in logged] == [("contact_revealed", watch.actor.id)]
    told = (await desk.get(f"/v1/tickets/{t['number']}/timeline")).json()["items"]
    assert (told[-1]["action"], told[-1]["reason"]) == ("reveal", "核实线索")
    assert "13800138002" not in str(told)
    calls = (await desk.get(f"/v1/tickets/{t['number']}/calls")).json()
    assert "13800138002" not in str(calls)
    pop = (await desk.post("/v1/callers/lookup", {"phone": "13800138002"})).json()
    assert pop["open"] == [] and "赵" not in str(pop)


async def test_departments_see_a_masked_caller_until_they_give_a_reason(
    lift_ticket: dict[str, Any], lifts: Player
) -> None:
    seen = await lifts.see(lift_ticket)
    assert (seen["caller"]["phone"], seen["caller"]["name"], seen["caller"]["masked"]) == ("138****8000", "王**", True)
    shown = await lifts.act(seen, "reveal", reason="上门前联系")
    assert (shown["caller"]["phone"], shown["caller"]["name"]) == ("+8613800138000", "王秀英")


async def test_roles_taken_away_are_gone_within_seconds(
    services: Services, app: FastAPI, cast: Cast, clock: Clock
) -> None:
    desk = await cast("desk")
    assert (await desk.get("/v1/me")).status_code == 200
    await revoke_key(services, app.state.actor_cache, desk.actor.id, clock())
    assert (await desk.get("/v1/me")).status_code == 401


async def _key(services: Services, app: FastAPI, grant: Grant) -> tuple[httpx.AsyncClient, str]:
    made = await add_key(services, NewKey("narrow", grant), "test", services.clock())
    headers = {"authorization": f"Bearer {made['secret']}"}
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline", headers=headers)
    return http, made["id"]


LIMITED = {
    "of block 3": Grant(frozenset({Role.ADMIN}), None, "rq-g1"),
    "of the property": Grant(frozenset({Role.ADMIN}), "property"),
}
WIDER: list[tuple[str, list[str], str | None, str | None]] = [  # whose, roles, department, area
    ("of block 3", ["admin"], None, None),
    ("of block 3", ["operator"], None, "rq"),
    ("of block 3", ["handler"], "water", None),
    ("of block 3", ["gateway"], None, None),
    ("of the property", ["admin"], None, None),
    ("of the property", ["operator"], "property", None),
    ("of the property", ["gateway"], "property", None),
    ("of the property", ["handler"], "water", None),
]


@pytest.mark.parametrize(("whose", "roles", "department", "area"), WIDER)
async def test_an_administrator_of_a_part_gives_nobody_more_than_that_part(
    whose: str, roles: list[str], department: str | None, area: str | None, app: FastAPI, services: Services
) -> None:
    http, _ = await _key(services, app, LIMITED[whose])
    given = {"roles": roles, "department": department, "area": area}
    reply = await http.post("/v1/keys", json={"name": "x", **given})
    assert reply.status_code == 403, reply.text
    if roles != ["gateway"]:
        person = {"login": "li.min", "name": "李敏", "password": "a long sentence 9", **given}
        assert (await http.post("/v1/people", json=person)).status_code == 403
    assert [k["name"] for k in (await http.get("/v1/keys")).json()["items"]] == ["narrow"]
    assert (await http.get("/v1/people")).json()["items"] == []
    await http.aclose()


async def test_an_administrator_of_a_part_gives_what_lies_within_it(app: FastAPI, services: Services) -> None:
    block, _ = await _key(services, app, LIMITED["of block 3"])
    person = {
        "login": "li.min",
        "name": "李敏",
        "password": "a long sentence 9",
        "roles": ["operator"],
        "area": "rq-b3",
    }
    made = await block.post("/v1/people", json=person)
    assert made.status_code == 201, made.text
    path, tag = f"/v1/people/{made.json()['id']}", {"if-match": '"1"'}
    wider = await block.patch(path, json={"area": None}, headers=tag)
    assert (wider.status_code, broken(wider.json())) == (403, [("area", "outside your areas")])
    assert (await block.patch(path, json={"roles": ["supervisor"]}, headers=tag)).status_code == 200
    works, _ = await _key(services, app, LIMITED["of the property"])
    assert (await works.patch(path, json={"active": False}, headers={"if-match": '"2"'})).status_code == 404
    key = {"name": "x", "roles": ["handler"], "department": "property-works"}
    assert (await works.post("/v1/keys", json=key)).status_code == 201
    for http in (block, works):
        await http.aclose()


@pytest.mark.parametrize("noun", ["people", "keys"])
async def test_a_page_names_nobody_outside_the_part_and_is_full(
    noun: str, app: FastAPI, services: Services, cast: Cast
) -> None:
    boss, made = (await cast("boss")).http, {}
    for n in range(9):
        area = "rq-b3" if n % 3 == 0 else "rq-b9"
        given = {"name": f"n{n}", "roles": ["operator"], "area": area}
        if noun == "people":
            given |= {"login": f"op{n}", "password": "a long sentence 9"}
        made[(await boss.post(f"/v1/{noun}", json=given)).json()["id"]] = area
    http, own = await _key(services, app, LIMITED["of block 3"])
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await http.get(f"/v1/{noun}", params={"after": after, "limit": 2})).json()
        after, items = page["next"], page["items"]
        assert len(items) == 2 or after is None
        assert after is None or after == items[-1]["login" if noun == "people" else "id"]
        seen += [item["id"] for item in items]
    mine = [i for i, area in made.items() if area == "rq-b3"] + ([own] if noun == "keys" else [])
    assert sorted(seen) == sorted(mine)
    await http.aclose()


async def test_whoever_holds_more_is_not_an_administrator_of_a_part_s_to_change(
    app: FastAPI, services: Services, world: World
) -> None:
    boss = world.clients["admin"]
    person = {"login": "zhang", "name": "张", "password": "a long sentence 9", "roles": ["operator"]}
    made = (await boss.post("/v1/people", json=person)).json()
    key = (await boss.post("/v1/keys", json={"name": "wide", "roles": ["gateway"]})).json()
    http, own = await _key(services, app, LIMITED["of block 3"])
    for change in ({"active": False}, {"password": "another sentence 9"}, {"roles": ["admin"], "area": "rq-b3"}):
        reply = await http.patch(f"/v1/people/{made['id']}", json=change, headers={"if-match": '"1"'})
        nobody = await http.patch("/v1/people/nobody", json=change, headers={"if-match": '"1"'})
        assert (reply.status_code, reply.content) == (404, nobody.content)
    assert (await http.delete(f"/v1/keys/{key['id']}")).status_code == 404
    assert (await boss.get("/v1/people")).json()["items"][0]["active"]
    assert (await http.delete(f"/v1/keys/{own}")).status_code == 204
    await http.aclose()


async def test_the_directory_and_wider_subscriptions_are_for_unrestricted_administrators(
    app: FastAPI, services: Services, world: World
) -> None:
    boss = world.clients["admin"]
    wide = {"name": "all", "url": "https://grid.example.org/hook"}
    made = (await boss.post("/v1/subscriptions", json=wide)).json()
    http, _ = await _key(services, app, LIMITED["of block 3"])
    tag = (await boss.get("/v1/directory/areas")).headers["etag"]
    area = {"name": "城", "name_en": "city", "level": "community", "parent": "rq-g1"}
    for noun, code, item in (("areas", "rq", area), ("areas", "rq-new", area), ("words", "x", {})):
        reply = await http.put(f"/v1/directory/{noun}/{code}", json=item, headers={"if-match": tag})
        assert reply.status_code == 403, (noun, reply.text)
    assert (await http.delete("/v1/directory/categories/dt-fault", headers={"if-match": tag})).status_code == 403
    swap = {"roster": "x", "start": "2026-12-31T20:00:00", "end": "2027-01-01T08:00:00", "member": None, "reason": "x"}
    assert (await http.post("/v1/departments/water/duty/overrides", json=swap)).status_code == 403
    assert (await http.post("/v1/subscriptions", json=wide)).status_code == 403
    where = f"/v1/subscriptions/{made['id']}"
    asked = [http.get(where), http.delete(where), http.post(f"{where}/rotate"), http.get(f"{where}/deliveries")]
    asked.append(http.patch(where, json={"active": False}, headers={"if-match": '"1"'}))
    assert [reply.status_code for reply in await asyncio.gather(*asked)] == [404] * 5
    assert (await http.get("/v1/subscriptions")).json()["items"] == []
    assert (await http.post("/v1/subscriptions", json={**wide, "area": "rq-b3"})).status_code == 201
    await http.aclose()


async def test_joining_tells_a_gateway_no_more_of_a_ticket_than_of_a_number_that_is_nobodys(world: World) -> None:
    gate, boss = world.clients["gateway"], world.clients["admin"]
    body = {"channel": "sms", "narrative": "还是那个样子"}

    async def told(number: str) -> tuple[Any, str]:
        reply = await gate.post("/v1/calls", json={**body, "attach_to": number})
        assert reply.status_code == 201
        said, opened = reply.json(), reply.json()["ticket"]["number"]
        own = {opened, said["call"]["id"], said["query_code"]}
        return re.sub("|".join(map(re.escape, own)), "*", reply.text), opened

    nobody, _ = await told("100009991")
    for name in ("lift", "water", "confidential", "loose"):
        ticket = world.tickets[name]
        reply, opened = await told(ticket["number"])
        assert reply == nobody, name
        assert (await boss.get(f"/v1/tickets/{ticket['number']}")).json()["counters"] == ticket["counters"]
        kept = (await boss.get(f"/v1/tickets/{opened}")).json()  # the words are kept, beside the number, to be merged
        assert kept["narrative"] == body["narrative"] and f"names:{ticket['number']}" in kept["flags"]
    odd, opened = await told("no number")
    assert odd == nobody and (await boss.get(f"/v1/tickets/{opened}")).json()["flags"] == []


async def test_a_gateway_joins_what_it_opened_and_learns_nothing_where_it_was_merged(world: World) -> None:
    gate, boss, desk = (world.clients[name] for name in ("gateway", "admin", "operator"))
    own = (await gate.post("/v1/calls", json={"channel": "sms", "narrative": "9栋停水"})).json()["ticket"]
    more = {"channel": "sms", "narrative": "还没有水", "attach_to": own["number"]}
    assert (await gate.post("/v1/calls", json=more)).json()["ticket"]["counters"]["calls"] == 2
    into = world.tickets["water"]["number"]
    seen = await desk.get(f"/v1/tickets/{own['number']}")
    path, tag = f"/v1/tickets/{own['number']}/actions/merge", {"if-match": seen.headers["etag"]}
    assert (await desk.post(path, json={"target": into}, headers=tag)).status_code == 200
    before = (await boss.get(f"/v1/tickets/{into}")).json()["counters"]["calls"]
    told = (await gate.post("/v1/calls", json=more)).json()
    assert told["ticket"]["number"] == own["number"] and "9栋停水了" not in str(told)
    assert (await boss.get(f"/v1/tickets/{into}")).json()["counters"]["calls"] == before + 1
