"""A department ends, and its successor takes over what the directory names it for."""

import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Cast, Player, broken

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
PATH = "/v1/directory/departments"


@pytest.fixture
async def boss(cast: Cast) -> Player:
    return await cast("boss")


async def _items(boss: Player, noun: str) -> dict[str, dict[str, Any]]:
    return {item["code"]: item for item in (await boss.get(f"/v1/directory/{noun}")).json()["items"]}


async def _name_successor(boss: Player, code: str, successor: str) -> dict[str, str]:
    """The header with the version of the directory after that."""
    read = await boss.get(f"{PATH}/{code}")
    item = {name: value for name, value in read.json().items() if name != "code"}
    tag = {"if-match": read.headers["etag"]}
    put = await boss.http.put(f"{PATH}/{code}", json={**item, "successor": successor}, headers=tag)
    assert put.status_code == 200
    return {"if-match": put.headers["etag"]}


async def test_the_example_of_the_guide_works_as_written(boss: Player) -> None:
    await boss.post(
        "/v1/people",
        {"login": "li.dispatch", "name": "李敏", "password": "correct horse 9", "roles": ["dispatcher"]},
    )
    key = (await boss.post("/v1/keys", {"name": "gateway", "roles": ["gateway"]})).json()["id"]
    section = GUIDE.read_text("utf-8").partition("### Somebody leaves, a department ends\n")[2]
    lines = re.findall(r"^curl .*$", section.partition("\n## ")[0], re.MULTILINE)
    methods = []
    for line in lines:
        reply = await _run(boss, line.replace("/keys/ID", f"/keys/{key}"))
        assert reply.status_code in (200, 204), (line, reply.text)
        methods.append(reply.request.method)
    assert methods == ["GET", "PATCH", "DELETE", "GET", "PUT", "DELETE"]
    assert [r["code"] for r in (await _items(boss, "routes")).values() if r["performer"] == "greening"] == []
    assert not (await _items(boss, "departments"))["greening"]["active"]


async def _run(boss: Player, line: str) -> httpx.Response:
    """A command of the guide as a request. The version of the directory is the one that there is."""
    words = shlex.split(line, comments=True)
    path = next(word for word in words if word.startswith("$U")).removeprefix("$U")
    method = words[1].removeprefix("-sX") if words[1] != "-s" else "GET"
    method = words[2] if words[1] == "-sX" else method
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H" and ": " in words[n + 1])
    if "/directory/" in path and "if-match" in headers:
        headers["if-match"] = (await boss.get(PATH)).headers["etag"]
    body = words[words.index("-d") + 1] if "-d" in words else None
    return await boss.http.request(method, path, headers=headers, content=body)


async def test_the_routes_go_to_the_successor_in_the_same_change(boss: Player) -> None:
    before = await _items(boss, "routes")
    theirs = [code for code, r in before.items() if "property-works" in (r["lead"], r["performer"], *r["assists"])]
    tag = await _name_successor(boss, "property-works", "property-desk")
    gone = await boss.http.delete(f"{PATH}/property-works", headers=tag)
    assert gone.status_code == 200, gone.text
    assert int(gone.headers["etag"].strip('"')) == int(tag["if-match"].strip('"')) + 1
    after = await _items(boss, "routes")
    assert theirs and all(
        "property-desk" in (after[code]["lead"], after[code]["performer"], *after[code]["assists"]) for code in theirs
    )
    assert "property-works" not in str(after) and after.keys() == before.keys()
    assert all(route["lead"] not in route["assists"] for route in after.values())
    assert {code: after[code] for code in after if code not in theirs} == {
        code: before[code] for code in before if code not in theirs
    }
    rosters = await _items(boss, "rosters")
    assert rosters["property-works"]["department"] == "property-desk"  # it had no plan of its own


async def test_the_successor_keeps_a_duty_plan_of_its_own(boss: Player) -> None:
    tag = await _name_successor(boss, "property-works", "service-centre")
    assert (await boss.http.delete(f"{PATH}/property-works", headers=tag)).status_code == 200
    rosters = await _items(boss, "rosters")
    assert [r["code"] for r in rosters.values() if r["department"] == "service-centre"] == ["service-centre"]


async def test_the_department_of_last_resort_is_succeeded_too(boss: Player) -> None:
    fallback = (await _items(boss, "house"))["house"]["fallback"]
    successor = "security" if fallback != "security" else "cleaning"
    tag = await _name_successor(boss, fallback, successor)
    assert (await boss.http.delete(f"{PATH}/{fallback}", headers=tag)).status_code == 200
    assert (await _items(boss, "house"))["house"]["fallback"] == successor


async def test_without_a_successor_the_routes_to_change_are_named(boss: Player) -> None:
    tag = {"if-match": (await boss.get(PATH)).headers["etag"]}
    refused = await boss.http.delete(f"{PATH}/greening", headers=tag)
    assert refused.status_code == 422
    assert ("routes.r-lh.performer", "retired department: greening") in broken(refused.json())
    await _name_successor(boss, "greening", "cleaning")
    ended = await boss.http.delete(f"{PATH}/cleaning", headers={"if-match": (await boss.get(PATH)).headers["etag"]})
    assert ended.status_code == 422  # it has routes itself, and no successor
