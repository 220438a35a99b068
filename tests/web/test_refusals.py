"""Every bad input gets one clear document that names the field and the rule, echoes nothing and leaves nothing
behind."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.refusals import Code
from hotline.web.problems import STATUS, TITLE, TITLE_ZH
from tests.conftest import Cast, Player, broken, on_one_database

SECRET = "zebra-7f3a"  # stands in every bad value: it must never come back


def problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body = dict(reply.json())
    assert (body["type"], body["status"]) == (f"urn:hotline:problem:{code}", status)
    assert body["title"] and body["detail"]
    assert SECRET not in reply.text
    return body


# by hand, as RFC 9110 and 6585 have them: no refusal may look like something that was done
NUMBERS = {
    400: "bad-request",
    401: "unauthenticated",
    403: "not-your-role second-factor-required password-change-required",
    404: "not-found unknown-action",
    405: "method-not-allowed",
    409: "not-now conflict",
    412: "stale",
    413: "too-large",
    415: "unsupported-media",
    422: "incomplete invalid key-reused",
    428: "version-required",
    429: "too-many",
    500: "internal",
    503: "overloaded unavailable outcome-unknown",
    507: "storage-full",
}


def test_every_code_has_its_number_and_title() -> None:
    assert set(STATUS) == set(TITLE) == set(TITLE_ZH) == set(Code)
    assert {code.value: status for code, status in STATUS.items()} == {
        code: status for status, codes in NUMBERS.items() for code in codes.split()
    }


GOOD: dict[str, Any] = {"channel": "phone", "narrative": "路灯坏了"}
BAD: list[tuple[str, Any, str]] = [
    ("narrative missing", {"channel": "phone"}, "narrative"),
    ("channel unknown", {**GOOD, "channel": SECRET}, "channel"),
    ("import is no channel for callers", {**GOOD, "channel": "import"}, "channel"),
    ("unknown field", {**GOOD, SECRET: 1}, SECRET),
    ("narrative no text", {**GOOD, "narrative": 5}, "narrative"),
    ("narrative empty", {**GOOD, "narrative": "  "}, "narrative"),
    ("narrative of marks alone", {**GOOD, "narrative": "\u200b\u202e\x0b\x00"}, "narrative"),
    ("narrative too long", {**GOOD, "narrative": "灯" * 10_001}, "narrative"),
    ("title too long", {**GOOD, "title": SECRET * 20}, "title"),
    ("area unknown", {**GOOD, "location": {"area": "nowhere"}}, "location.area"),
    ("category unknown", {**GOOD, "category": "nothing"}, "category"),
    ("category with odd characters", {**GOOD, "category": f"{SECRET}'; --"}, "category"),
    ("kind unknown", {**GOOD, "kind": SECRET}, "kind"),
    ("priority unknown", {**GOOD, "priority": SECRET}, "priority"),
    ("latitude off the earth", {**GOOD, "location": {"lat": 91}}, "location.lat"),
    (
        "outer deadline without zone",
        {**GOOD, "outer": {"system": "12345", "number": "1", "due_at": "2026-12-01T00:00:00"}},
        "outer.due_at",
    ),
    (
        "outer deadline in the past",
        {**GOOD, "outer": {"system": "12345", "number": "1", "due_at": "2026-11-01T00:00:00Z"}},
        "outer.due_at",
    ),
    ("no such ticket to join", {**GOOD, "attach_to": "100000006"}, "attach_to"),
    ("wrong check digit", {**GOOD, "attach_to": "100000007"}, "attach_to"),
    ("at once without its fields", {**GOOD, "at_once": {"action": "answer"}}, "answer"),
    ("at once something else", {**GOOD, "at_once": {"action": "dispatch"}}, "at_once.action"),
]


@pytest.mark.parametrize(("what", "body", "field"), BAD, ids=[b[0] for b in BAD])
@on_one_database
async def test_a_call_that_cannot_be_right_is_refused_by_field(what: str, body: Any, field: str, desk: Player) -> None:
    reply = await desk.post("/v1/calls", body)
    code = "incomplete" if what == "at once without its fields" else "invalid"
    if field == SECRET:  # the name of an unknown field is told, its value never
        assert reply.status_code == 422
        assert broken(reply.json()) == [(SECRET, "unknown field")]
    else:
        found = problem(reply, 422, code)
        assert field in [e["field"] for e in found["errors"]], found
    assert (await desk.get("/v1/tickets")).json()["items"] == []


@pytest.mark.parametrize(
    "text",
    [
        "😀👨‍👩‍👧‍👦 灯坏了",
        "𠮷野家旁边的𪚥井盖",
        "灯" * 10_000,
        "a\tb\r\nc",
        "ﷺ " * 50,
        "'; DROP TABLE ticket; --",
        "<script>alert(1)</script>",
        "%s %n {0}",
    ],
    ids=["emoji", "rare hanzi", "ten thousand", "line breaks", "wide ligature", "sql", "html", "formats"],
)
async def test_what_an_operator_types_comes_back_as_typed(text: str, desk: Player) -> None:
    t = await desk.call(text)
    assert (await desk.see(t))["narrative"] == text


FORM = "application/x-www-form-urlencoded"


async def test_broken_json_and_wrong_content_types_are_told_apart(desk: Player) -> None:
    async def send(content: bytes, kind: str) -> httpx.Response:
        return await desk.http.post("/v1/calls", content=content, headers={"content-type": kind})

    problem(await send(f'{{"channel": "{SECRET}'.encode(), "application/json"), 400, "bad-request")
    problem(await send(b"\xff\xfe", "application/json"), 400, "bad-request")
    problem(await send(b'["phone"]', "application/json"), 422, "invalid")
    problem(await send(b"channel=phone", "application/x-www-form-urlencoded"), 415, "unsupported-media")
    problem(await send(b"{}", "text/plain"), 415, "unsupported-media")
    for path, kind in (  # an identity provider sends a form, and only to log somebody out
        ("/console/oidc/city/logout", "application/json"), ("/console/oidc/city/callback", FORM), ("/console/oidc/x", FORM),
        ("/console/session", FORM),
    ):  # fmt: skip
        reply = await desk.http.post(path, content=b"x=1", headers={"content-type": kind})
        problem(reply, 415, "unsupported-media")
    long = await desk.http.post("/console/oidc/city/logout", content=b"x" * 20_000, headers={"content-type": FORM})
    problem(long, 413, "too-large")


async def test_an_oversized_body_is_refused_with_and_without_its_length(desk: Player) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b" " * 16_384

    big = b'{"channel":"phone","narrative":"' + b"x" * 300_000 + b'"}'
    problem(
        await desk.http.post("/v1/calls", content=big, headers={"content-type": "application/json"}), 413, "too-large"
    )
    problem(
        await desk.http.post("/v1/calls", content=pieces(), headers={"content-type": "application/json"}),
        413,
        "too-large",
    )


async def test_a_stranger_is_asked_who_they_are(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as stranger:
        for headers in (
            {},
            {"authorization": "Basic eA=="},
            {"authorization": f"Bearer {SECRET}"},
            {"authorization": "Bearer hl_x_y"},
        ):
            reply = await stranger.get("/v1/tickets", headers=headers)
            problem(reply, 401, "unauthenticated")
            assert reply.headers["www-authenticate"].startswith("Bearer")


async def test_paths_and_methods_that_are_not_there(desk: Player) -> None:
    problem(await desk.get(f"/v1/{SECRET}"), 404, "not-found")
    reply = await desk.http.put("/v1/calls")
    problem(reply, 405, "method-not-allowed")
    assert reply.headers["allow"] == "POST"
    reply = await desk.http.request("TRACE", "/v1/token")
    problem(reply, 405, "method-not-allowed")
    assert set(reply.headers["allow"].replace(" ", "").split(",")) == {"POST", "DELETE"}


async def test_acting_needs_a_version_a_known_action_and_its_reason(
    lift_ticket: dict[str, Any], desk: Player, watch: Player
) -> None:
    path = f"/v1/tickets/{lift_ticket['number']}/actions"
    problem(await desk.post(f"{path}/urge", {"reason": "x"}), 428, "version-required")
    problem(await desk.post(f"{path}/urge", {"reason": "x"}, headers={"if-match": SECRET}), 400, "bad-request")
    late = problem(await desk.post(f"{path}/urge", {"reason": "x"}, headers={"if-match": '"99"'}), 412, "stale")
    assert late["version"] == lift_ticket["version"]
    assert "urge" in [a["action"] for a in late["allowed_actions"]]
    problem(await desk.post(f"{path}/urge", {"reason": "x"}, headers={"if-match": 'W/"3"'}), 400, "bad-request")
    here = {"if-match": f'"{lift_ticket["version"]}"'}
    assert "reason" in [
        e["field"] for e in problem(await desk.post(f"{path}/urge", {}, headers=here), 422, "invalid")["errors"]
    ]
    unknown = problem(await desk.post(f"{path}/{SECRET}", {}, headers=here), 404, "unknown-action")
    assert "urge" in unknown["errors"][0]["rule"] and "assign" not in unknown["errors"][0]["rule"].split(", ")
    other = problem(await desk.post(f"{path}/assign", {}, headers=here), 404, "unknown-action")
    assert "assignments/{id}/actions/assign" in other["errors"][0]["rule"]
    of_order = f"/v1/tickets/{lift_ticket['number']}/assignments/{lift_ticket['assignments'][0]['id']}/actions"
    back = problem(await desk.post(f"{of_order}/urge", {}, headers=here), 404, "unknown-action")
    assert back["errors"][0]["rule"].endswith(": actions/urge")
    problem(await desk.post(f"{path}/supervise", {"level": "red", "reason": "x"}, headers=here), 403, "not-your-role")
    said = problem(await desk.post(f"{path}/confirm", {"satisfaction": "satisfied"}, headers=here), 409, "not-now")
    assert "urge" in [a["action"] for a in said["allowed_actions"]]
    unknown = await desk.post(f"{path}/amend", {"reason": "x", "area": "nowhere"}, headers=here)
    assert problem(unknown, 422, "invalid")["errors"][0]["field"] == "area"
    assert (await desk.see(lift_ticket))["version"] == lift_ticket["version"]


async def test_orders_go_to_departments_that_can_take_them(lift_ticket: dict[str, Any], switch: Player) -> None:
    t = await switch.act(lift_ticket, "recall", reason="派错了")
    for department, rule in (("nobody", "unknown or retired"), ("supervision-committee", "takes no orders")):
        said = await switch.act(t, "dispatch", department=department, expect=422)
        assert rule in said["errors"][0]["rule"]
    said = await switch.act(t, "dispatch", department="water", due_at="2026-11-01T00:00:00Z", expect=422)
    assert said["errors"][0]["field"] == "due_at"
    said = await switch.act(t, "dispatch", department="water", due_at="2026-12-01T00:00:00", expect=422)
    assert "zone" in said["errors"][0]["rule"]


async def test_a_forged_or_borrowed_cursor_opens_nothing(desk: Player, cast: Cast) -> None:
    for n in range(3):
        await desk.call(f"{n}栋路灯坏了")
    page = (await desk.get("/v1/tickets", params={"limit": 2})).json()
    problem(await desk.get("/v1/tickets", params={"limit": 2, "cursor": page["next"][:-2] + "AA"}), 400, "bad-request")
    problem(await desk.get("/v1/tickets", params={"cursor": "AAAA"}), 400, "bad-request")
    problem(await desk.get("/v1/tickets", params={"cursor": "!"}), 400, "bad-request")
    other = await desk.get("/v1/tickets", params={"limit": 2, "cursor": page["next"], "status": "received"})
    assert "another question" in problem(other, 400, "bad-request")["detail"]
    watch = await cast("watch")
    problem(await watch.get("/v1/tickets", params={"limit": 2, "cursor": page["next"]}), 400, "bad-request")


async def test_lists_refuse_questions_they_cannot_answer(desk: Player) -> None:
    for params in (
        {"limit": 0},
        {"limit": 201},
        {"status": SECRET},
        {"created_from": "2026-11-01T00:00:00"},
        {"sort": SECRET},
        {"caller": SECRET},
    ):
        problem(await desk.get("/v1/tickets", params=params), 422, "invalid")


async def test_a_key_reused_for_something_else_is_refused(desk: Player) -> None:
    key = {"idempotency-key": "k-1"}
    await desk.call("路灯坏了", headers=key)
    problem(await desk.post("/v1/calls", {**GOOD, "narrative": "井盖坏了"}, headers=key), 422, "key-reused")
    for bad in (b"", b"x" * 256, "ü".encode(), b"a b"):
        headers = [(b"idempotency-key", bad)]
        problem(await desk.http.post("/v1/calls", json=GOOD, headers=headers), 422, "invalid")
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 1


async def test_a_fault_of_ours_says_nothing_of_the_request(
    desk: Player, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(services.numbers, "take", broken)
    transport = httpx.ASGITransport(app=desk.http._transport.app, raise_app_exceptions=False)  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", headers=desk.http.headers) as http:
        assert problem(await http.post("/v1/calls", json=GOOD), 500, "internal")["applied"] == "unknown"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/calls", "application/json"), ("/open311/v2/requests.json", "application/x-www-form-urlencoded")],
)
async def test_a_body_that_drips_is_not_waited_for(
    path: str, kind: str, desk: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotline.web.guard.SLOWEST_BODY", 0.05)

    async def drips() -> AsyncIterator[bytes]:
        yield b'{"narrative": "'
        await asyncio.Event().wait()

    reply = await desk.http.post(path, content=drips(), headers={"content-type": kind})
    if kind == "application/json":
        assert problem(reply, 400, "bad-request")["detail"] == "the body did not come in time"
    else:
        assert (reply.status_code, reply.json()[0]["description"]) == (400, "the body did not come in time")


@pytest.mark.parametrize("body", ['{"narrative": "电梯坏了"}'.encode("gb18030"), b"[" * 50_000])
async def test_json_that_cannot_be_decoded_is_told_by_field_and_rule(body: bytes, desk: Player) -> None:
    reply = await desk.http.post("/v1/calls", content=body, headers={"content-type": "application/json"})
    told = problem(reply, 400, "bad-request")["errors"]
    assert [e["field"] for e in told] == ["body"]
    assert all(e["rule_zh"] != e["rule"] for e in told)


async def test_a_reused_key_is_named(desk: Player) -> None:
    key = {"idempotency-key": "k-2"}
    await desk.call("路灯坏了", headers=key)
    told = problem(await desk.post("/v1/calls", {**GOOD, "narrative": "井盖坏了"}, headers=key), 422, "key-reused")
    assert told["errors"] == [
        {
            "field": "Idempotency-Key", "rule": "used with another request", "rule_zh": "已用于其他请求",
            "rule_zh_hant": "已用於其他請求",
        }
    ]  # fmt: skip


async def test_a_text_too_short_is_no_list_of_items(desk: Player) -> None:
    told = problem(await desk.post("/v1/lookup", {"number": "100000006", "code": ""}), 422, "invalid")["errors"]
    assert [(e["field"], e["rule"]) for e in told] == [("code", "String should have at least 1 character")]
    assert told[0]["rule_zh"] == "至少 1 个字符"


async def test_a_process_that_answers_says_so(desk: Player) -> None:
    reply = await desk.get("/healthz")
    assert (reply.status_code, reply.json()["status"]) == (200, "ok")
