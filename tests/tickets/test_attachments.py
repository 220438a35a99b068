"""Files: typed by their bytes, kept once, never run in the page, never locking the ticket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import Cast, Player

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


async def _send(
    who: Player, number: str, content: bytes, name: str = "门.png", kind: str = "image/png", **headers: str
) -> Any:
    return await who.http.post(
        f"/v1/tickets/{number}/attachments", files={"file": (name, content, kind)}, headers=headers
    )


async def test_a_picture_is_kept_listed_and_given_back_to_be_saved(
    lift_ticket: dict[str, Any], desk: Player, lifts: Player
) -> None:
    made = await _send(desk, lift_ticket["number"], PNG)
    assert made.status_code == 201, made.text
    listed = (await lifts.get(f"/v1/tickets/{lift_ticket['number']}/attachments")).json()["items"]
    assert [(f["name"], f["media_type"], f["size"]) for f in listed] == [("门.png", "image/png", len(PNG))]
    got = await lifts.get(f"/v1/tickets/{lift_ticket['number']}/attachments/{listed[0]['id']}")
    assert got.content == PNG
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert (await desk.see(lift_ticket))["counters"]["attachments"] == 1


async def test_the_same_bytes_are_kept_once(lift_ticket: dict[str, Any], desk: Player, services: Any) -> None:
    for name in ("a.png", "b.png"):
        assert (await _send(desk, lift_ticket["number"], PNG, name)).status_code == 201
    assert len([p for p in services.files.rglob("*") if p.is_file()]) == 1


async def test_a_file_that_lies_or_is_nothing_we_take_is_refused(
    lift_ticket: dict[str, Any], desk: Player, services: Any
) -> None:
    number = lift_ticket["number"]
    for content, kind, status, rule in (
        (PNG, "image/jpeg", 415, "its bytes are image/png"),
        (b"MZ\x90\x00 this program", "image/png", 415, "one of image/jpeg"),
        (b"<html><script>", "text/html", 415, "one of image/jpeg"),
        (b"", "image/png", 422, "not empty"),
    ):
        reply = await _send(desk, number, content, kind=kind)
        assert (reply.status_code, rule in reply.text) == (status, True), reply.text
    big = await _send(desk, number, PNG + b"0" * (10 * 1024 * 1024))
    assert big.status_code == 413
    assert [p for p in services.files.rglob("*") if p.is_file()] == []
    assert (await desk.get(f"/v1/tickets/{number}/attachments")).json()["items"] == []


async def test_many_files_at_once_all_arrive(lift_ticket: dict[str, Any], desk: Player) -> None:
    replies = await asyncio.gather(*(_send(desk, lift_ticket["number"], PNG + bytes([n])) for n in range(6)))
    assert {r.status_code for r in replies} == {201}
    assert (await desk.see(lift_ticket))["counters"]["attachments"] == 6


async def test_a_retried_upload_is_one_attachment(lift_ticket: dict[str, Any], desk: Player) -> None:
    first, again = [await _send(desk, lift_ticket["number"], PNG, **{"idempotency-key": "up"}) for _ in range(2)]
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    other = await _send(desk, lift_ticket["number"], PNG + b"1", **{"idempotency-key": "up"})
    assert other.status_code == 422


async def test_a_file_of_a_ticket_out_of_sight_is_not_there(
    lift_ticket: dict[str, Any], desk: Player, pipes: Player, cast: Cast
) -> None:
    made = (await _send(desk, lift_ticket["number"], PNG)).json()
    assert (await pipes.get(f"/v1/tickets/{lift_ticket['number']}/attachments/{made['id']}")).status_code == 404
    assert (await _send(pipes, lift_ticket["number"], PNG)).status_code == 404
    other = await desk.call("停水", category="sdq-water")
    assert (
        await desk.get(f"/v1/tickets/{other['number']}/attachments/{made['id']}")
    ).status_code == 404  # not by another's number


async def test_a_strange_name_becomes_a_harmless_one(lift_ticket: dict[str, Any], desk: Player) -> None:
    made = await _send(desk, lift_ticket["number"], PNG, "../../etc/passwd\r\nx.png")
    assert made.json()["name"].find("/") == -1 and "\n" not in made.json()["name"]


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.js", "x.gif.xhtml"])
async def test_a_picture_that_is_a_page_too_is_handed_out_as_a_picture(
    name: str, lift_ticket: dict[str, Any], desk: Player
) -> None:
    polyglot = b"GIF89a/*<html><script>alert(1)</script>*/=1;"
    made = await _send(desk, lift_ticket["number"], polyglot, name, "image/gif")
    got = await desk.get(f"/v1/tickets/{lift_ticket['number']}/attachments/{made.json()['id']}")
    assert got.headers["content-type"] == "image/gif" and got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["content-disposition"].endswith(".gif")
    assert (got.headers["x-content-type-options"], "sandbox" in got.headers["content-security-policy"]) == (
        "nosniff",
        True,
    )


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/v1/tickets/{number}/attachments", "multipart/form-data; boundary=x"),
        ("/open311/v2/requests.json", "multipart/form-data; boundary=x"),
        ("/v1/hooks/sms/nobody", "application/json"),
    ],
)
async def test_nothing_of_a_body_is_read_for_whoever_may_not_send_it(
    path: str, content_type: str, lift_ticket: dict[str, Any], desk: Player
) -> None:
    """At most what an Open311 key can stand in is read, whatever else is sent."""
    sent: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(176):
            sent.append(65536)
            yield b"x" * 65536

    headers = {"content-type": content_type, "authorization": "Bearer hl_bogus_bogus"}
    reply = await desk.http.post(path.format(**lift_ticket), content=body(), headers=headers)
    assert reply.status_code in (400, 401, 403, 404), reply.text
    assert sum(sent) <= (65536 * 2 if "open311" in path else 0)
    if "open311" not in path:  # there the key comes first
        large = {**headers, "content-length": str(20 * 1024 * 1024)}
        sent.clear()
        reply = await desk.http.post(path.format(**lift_ticket), content=body(), headers=large)
        assert (reply.status_code, sum(sent)) == (413, 0)


def jpeg(shade: int) -> bytes:
    """A picture with what a phone writes beside it, and a film behind it."""
    place = b"\xff\xe1" + (2 + 6 + 24).to_bytes(2) + b"Exif\x00\x00" + b"GPS 30.6900N 103.8300E  "
    remark = b"\xff\xfe" + (2 + 4).to_bytes(2) + b"lens"
    pixels = b"\xff\xda\x00\x08\x01\x01\x00\x00?\x00" + bytes([shade]) * 40 + b"\xff\x00\xff\xd0" + bytes([shade])
    return b"\xff\xd8" + place + remark + pixels + b"\xff\xd9" + b"ftypmp42 a film of the same moment"


async def test_the_resident_sees_what_was_released_once_the_result_is_approved(
    lift_ticket: dict[str, Any], desk: Player, lifts: Player, watch: Player
) -> None:
    number = lift_ticket["number"]
    code = (await desk.get(f"/v1/tickets/{number}/query-code")).json()["query_code"]
    asked = {"number": number, "code": code}

    async def resident(path: str, **said: Any) -> Any:
        return await desk.http.post(path, json={**asked, **said}, headers={"authorization": ""})

    ids = {}
    for n, (name, purpose) in enumerate((("b", "before"), ("a", "after"), ("c", "after"), ("e", "evidence"))):
        made = await lifts.http.post(
            f"/v1/tickets/{number}/attachments",
            files={"file": (f"{name}.jpg", jpeg(n), "image/jpeg")},
            data={"purpose": purpose},
        )
        assert (made.status_code, made.json()["purpose"]) == (201, purpose), made.text
        ids[name] = made.json()["id"]
    wrong = await lifts.http.post(
        f"/v1/tickets/{number}/attachments",
        files={"file": ("x.jpg", jpeg(9), "image/jpeg")},
        data={"purpose": "holiday"},
    )
    assert wrong.status_code == 422 and "purpose" in wrong.text
    seen = await lifts.order(await lifts.see(lift_ticket), "accept")
    result = {"internal_result": "换皮带", "public_reply": "电梯已恢复", "solved": True}
    path = f"/v1/tickets/{number}/assignments/{seen['assignments'][0]['id']}/actions/report"
    for others in (ids["e"], "00000000-0000-4000-8000-000000000001"):  # other evidence, and a photo of nothing here
        refused = await lifts.http.post(
            path, json={**result, "photos": [ids["a"], others]}, headers={"if-match": f'"{seen["version"]}"'}
        )
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "photos"), refused.text
    seen = await lifts.order(seen, "report", **result, photos=[ids["b"], ids["a"]])
    assert seen["assignments"][0]["result"]["photos"] == [ids["b"], ids["a"]]
    look = "/v1/lookup"
    assert (await resident(look)).json()["photos"] == []  # nobody approved it yet
    photo = await resident(f"{look}/photo", photo=ids["a"])
    assert photo.status_code == 404
    seen = await watch.order(seen, "accept_report")
    listed = (await desk.get(f"/v1/tickets/{number}/attachments")).json()["items"]
    assert {f["id"] for f in listed if f["for_resident"]} == {ids["b"], ids["a"]}
    shown = (await resident(look)).json()["photos"]
    assert [(p["id"], p["purpose"]) for p in shown] == [(ids["b"], "before"), (ids["a"], "after")]
    got = await resident(f"{look}/photo", photo=ids["a"])
    assert (got.status_code, got.headers["content-type"]) == (200, "image/jpeg")
    whole = jpeg(1)
    assert got.content == b"\xff\xd8" + whole[whole.index(b"\xff\xda") : whole.index(b"\xff\xd9") + 2]
    for held in (ids["c"], ids["e"], "nothing"):
        assert (await resident(f"{look}/photo", photo=held)).status_code == 404
    bad = "000000" if code != "000000" else "111111"
    assert (await resident(f"{look}/photo", code=bad, photo=ids["a"])).status_code == 404
    await desk.act(seen, "reopen", reason="还是坏的")  # the answer is no answer any more
    assert (await resident(f"{look}/photo", photo=ids["a"])).status_code == 404
