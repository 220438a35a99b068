"""The security log: who did what about access and data is found again, and reaches other systems."""

import asyncio
import csv
import io
import json
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.audit.jobs import audit_jobs
from hotline.audit.shipping import LogDestinations, parse_syslog_address
from hotline.operations.settings_log import note_settings
from hotline.organisation.model.actors import CLOCK, COMMAND_LINE, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import (
    ActorCache,
    NewKey,
    NewPerson,
    add_key,
    add_person,
    revoke_key,
)
from hotline.organisation.service.logging_in import LogInAttempt, log_in
from hotline.organisation.service.person_changes import PersonUpdate, change_person
from hotline.organisation.store import people
from hotline.refusals import Refused
from hotline.security_log.service import SecurityLog
from hotline.security_log.store import NOBODY, Principal, SecurityEvent, record_deed
from hotline.security_log.tables import security_log
from hotline.security_log.vocabulary import Deed
from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player, on_one_database

RIGHT = "a long sentence 9"
PHONE = "13800138000"


async def logged(services: Services) -> list[Any]:
    """Every row of the log, oldest first."""
    await services.security_log.drain()
    rows = await services.db.transact(lambda c: c.execute(sa.select(security_log)).all())
    return sorted(rows, key=lambda row: row.position)


async def deeds_of(services: Services, *left_out: str) -> list[tuple[str, str, str | None]]:
    return [(r.deed, r.outcome, r.about_kind) for r in await logged(services) if r.deed not in left_out]


async def test_what_was_done_about_access_is_in_the_log(
    services: Services, cast: Cast, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    made = await add_person(
        services, NewPerson("li.min", "李敏", RIGHT, Grant(frozenset({Role.OPERATOR}))), clock(), COMMAND_LINE
    )
    cache = ActorCache()
    desk, committee, boss = await cast("desk"), await cast("committee"), await cast("boss")
    for password in ("wrong", RIGHT):
        await desk.post("/v1/token", {"login": "li.min", "password": password})
    await desk.post("/v1/token", {"login": "hunter2-typed-here", "password": "x"})
    closed = PersonUpdate(made["id"], 1, {"active": False, "password": "another sentence 9", "area": "rq-g1"})
    await change_person(services, cache, closed, clock())
    key = await add_key(services, NewKey("feed", Grant(frozenset({Role.AUDITOR}))), "test", clock())
    await revoke_key(services, cache, key["id"], clock())
    assert (await desk.get("/v1/people")).status_code == 403
    assert (await desk.post("/v1/callers/lookup", {"phone": PHONE})).json()["match"] == "known"
    item = (await boss.get("/v1/directory/categories/dt-fault")).json()
    version = (await boss.get("/v1/directory/categories")).headers["etag"]
    put = await boss.http.put(
        "/v1/directory/categories/dt-fault", json={**item, "name": "电梯"}, headers={"If-Match": version}
    )
    assert put.status_code == 200, put.text
    asked = {"kind": "tickets", "form": "csv"}
    await committee.post("/v1/exports", asked)

    found = await deeds_of(services, "key_made")
    assert found[:3] == [
        ("person_added", "done", "person"),
        ("log_in_failed", "failed", "person"),
        ("log_in", "done", "person"),
    ]
    assert ("log_in_failed", "failed", None) in found  # a login that nobody has
    for expected in (
        ("person_changed", "done", "person"),
        ("password_changed", "done", "person"),
        ("person_closed", "done", "person"),
        ("key_revoked", "done", "key"),
        ("refused", "refused", None),
        ("caller_looked_up", "done", "caller"),
    ):
        assert expected in found, expected
    assert ("export_made", "done", "export") in found
    assert ("directory_changed", "done", "categories") in found
    refused = next(r for r in await logged(services) if r.deed == "refused")
    assert (refused.by_id, refused.details["operation"]) == (desk.actor.id, "list_people")
    text = "".join(repr(tuple(row)) for row in await logged(services))
    assert PHONE not in text
    assert "hunter2" not in text and RIGHT not in text

    page = await committee.get("/v1/security-log", params={"about": made["id"], "limit": 2})
    assert [item["deed"] for item in page.json()["items"]] == ["person_closed", "password_changed"]
    rest = await committee.get("/v1/security-log", params={"by": made["id"], "cursor": page.json()["next"]})
    assert rest.status_code == 400  # a cursor of another question


async def test_the_log_is_read_in_pages_by_auditors_alone(services: Services, cast: Cast, clock: Clock) -> None:
    committee, desk, block3 = await cast("committee"), await cast("desk"), await cast("block3")
    for n in range(7):
        event = SecurityEvent(Deed.EXPORT_MADE, CLOCK, clock() + timedelta(minutes=n), ("export", f"x{n}"))
        await services.db.transact(lambda c, event=event: record_deed(c, event))
    assert (await desk.get("/v1/security-log")).status_code == 403
    assert (await block3.get("/v1/security-log")).status_code == 403
    seen: list[str] = []
    cursor: str | None = None
    asked = {"deed": "export_made", "since": (clock() + timedelta(minutes=1)).isoformat(), "limit": 2}
    while True:
        page = await committee.get("/v1/security-log", params={**asked, **({"cursor": cursor} if cursor else {})})
        assert page.status_code == 200, page.text
        seen += [item["about"]["id"] for item in page.json()["items"]]
        cursor = page.json()["next"]
        if cursor is None:
            break
    assert seen == ["x6", "x5", "x4", "x3", "x2", "x1"]
    assert (await committee.get("/v1/security-log", params={"deed": "sneezed"})).status_code == 422


async def test_whoever_administers_one_area_does_not_read_the_log(services: Services, cast: Cast, clock: Clock) -> None:
    desk = await cast("desk")
    key = await add_key(services, NewKey("a", Grant(frozenset({Role.ADMIN}), None, "rq-g1")), "test", clock())
    asked = await desk.get("/v1/security-log", headers={"authorization": f"Bearer {key['secret']}"})
    assert asked.status_code == 403


async def test_a_flood_of_refusals_is_bounded_and_what_was_dropped_is_told(services: Services, clock: Clock) -> None:
    flooded = SecurityLog(services.db, max_waiting=100)
    for n in range(300):
        flooded.note(SecurityEvent(Deed.REFUSED, CLOCK, clock(), details={"n": n}))
    await flooded.record(SecurityEvent(Deed.CALLER_LOOKED_UP, CLOCK, clock()))  # has room of its own, and comes in
    await flooded.drain()
    rows = await logged(services)
    assert (len(rows), flooded.lost) == (77, 225)
    assert [r.details for r in rows if r.deed == "events_lost"] == [{"count": 225}]


async def test_what_one_address_does_again_and_again_is_counted_in_one_row(services: Services, clock: Clock) -> None:
    log = services.security_log

    def note(address: str, why: str = "unknown_login") -> None:
        details = {"why": why}
        log.note(SecurityEvent(Deed.LOG_IN_FAILED, NOBODY, clock(), details=details, address=address))

    for n in range(800):
        note("203.0.113.7")
        note(f"2001:db8:0:1::{n:x}")  # one line of a customer
    note("203.0.113.7", "wrong_password")
    note("203.0.113.8")
    clock.forward(minutes=1)
    note("203.0.113.7")
    rows = [(r.address, r.details.get("why"), r.details.get("count")) for r in await logged(services)]
    assert rows == [
        ("203.0.113.7", "unknown_login", None), ("2001:db8:0:1::0", "unknown_login", None),
        ("203.0.113.7", "wrong_password", None), ("203.0.113.8", "unknown_login", None),
        ("203.0.113.7", "unknown_login", 799), ("2001:db8:0:1::0", "unknown_login", 799),
        ("203.0.113.7", "unknown_login", None),
    ]  # fmt: skip
    for n in range(3000):  # and from everywhere
        note(f"10.{n // 250}.{n % 250}.1")
    new = (await logged(services))[len(rows) :]
    assert len(new) == 500
    assert (new[-1].address, new[-1].details) == (None, {"why": "many addresses", "count": 2501})


async def test_what_is_not_committed_is_not_in_the_log(services: Services, clock: Clock) -> None:
    event = SecurityEvent(Deed.PERSON_ADDED, CLOCK, clock())

    def half(c: sa.Connection) -> None:
        record_deed(c, event)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await services.db.transact(half)
    await asyncio.gather(*(services.security_log.record(event) for _ in range(5)))
    assert [row.position for row in await logged(services)] == [1, 2, 3, 4, 5]


async def test_a_person_signs_in_and_out(services: Services, desk: Player, clock: Clock) -> None:
    await add_person(services, NewPerson("chen", "陈", RIGHT, Grant(frozenset({Role.OPERATOR}))), clock())
    token = (await log_in(services, LogInAttempt("chen", RIGHT, "192.0.2.7"), clock())).token
    out = await desk.http.delete("/v1/token", headers={"authorization": f"Bearer {token}"})
    assert out.status_code == 204
    chen = await people.load_person_by_login(services.db, "chen")
    last = (await logged(services))[-1]
    assert chen is not None
    assert (last.deed, last.by_id, last.by_name, last.address) == ("log_out", chen.id, "陈", "127.0.0.1")


@on_one_database
async def test_the_log_is_shipped_as_lines_and_as_syslog(services: Services, clock: Clock, tmp_path: Path) -> None:
    received = bytearray()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.read())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    path = tmp_path / "log" / "security.jsonl"
    services.add(LogDestinations(path, f"tcp://127.0.0.1:{port}"))
    to_file, to_syslog = audit_jobs(services)[:2]
    about = ("person", "一个\n人")
    for n in range(3):
        await services.security_log.record(SecurityEvent(Deed.LOG_IN, CLOCK, clock(), about, {"n": n}))
    for _ in range(2):  # the second time there is nothing new
        await to_file.step()
        await to_syslog.step()
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(tmp_path / "rotated")
    await services.security_log.record(SecurityEvent(Deed.LOG_OUT, CLOCK, clock()))
    await to_file.step()
    lines = [json.loads(line) for line in (tmp_path / "rotated").read_text().splitlines()]
    assert [(line["position"], line["deed"], line["details"]) for line in lines] == [
        (n + 1, "log_in", {"n": n}) for n in range(3)
    ]
    assert [json.loads(line)["deed"] for line in path.read_text().splitlines()] == ["log_out"]
    server.close()
    await to_syslog.step()  # nobody is there: it stays
    messages = []
    while received:
        length, _, rest = bytes(received).partition(b" ")
        messages.append(rest[: int(length)].decode())
        received = bytearray(rest[int(length) :])
    assert [m.split(" ")[0] for m in messages] == ["<110>1"] * 3
    assert json.loads(messages[2].split("\ufeff")[1])["position"] == 3
    again = await asyncio.start_server(take, "127.0.0.1", port)
    await to_syslog.step()
    again.close()
    await again.wait_closed()
    assert b"log_out" in received
    with pytest.raises(ValueError, match="udp"):
        parse_syslog_address("http://log")


async def test_the_log_is_shipped_over_udp_a_datagram_for_each_row(services: Services, clock: Clock) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(20)
        services.add(LogDestinations(None, f"udp://127.0.0.1:{receiver.getsockname()[1]}"))
        (to_syslog,) = [job for job in audit_jobs(services) if "syslog" in job.name]
        for n in range(3):
            await services.security_log.record(SecurityEvent(Deed.KEY_REFUSED, CLOCK, clock(), details={"n": n}))
        for _ in range(2):
            await to_syslog.step()
        messages = [(await asyncio.to_thread(receiver.recv, 65536)).decode() for _ in range(3)]
        receiver.setblocking(False)
        with pytest.raises(BlockingIOError):  # each once
            receiver.recv(65536)
    assert [json.loads(m.split("\ufeff")[1])["details"]["n"] for m in messages] == [0, 1, 2]
    assert all(m.startswith("<110>1 ") and " hotline " in m and " key_refused " in m for m in messages)


async def test_the_log_is_a_file_that_no_spreadsheet_runs(services: Services, cast: Cast, clock: Clock) -> None:
    committee, desk, block3 = await cast("committee"), await cast("desk"), await cast("block3")
    name = '=HYPERLINK("http://evil","x")'
    odd = Principal("person", "p-1", name)
    for n in range(3):
        event = SecurityEvent(Deed.LOG_IN, odd, clock() + timedelta(minutes=n), ("person", f"-{n}"), {"why": "=1+1"})
        await services.security_log.record(event)
    reply = await committee.get("/v1/security-log.csv", params={"deed": "log_in", "by": "p-1"})
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
    assert [(row["by_name"], row["about"]) for row in rows] == [(f"'{name}", f"'-{n}") for n in (2, 1, 0)]
    assert [json.loads(row["details"]) for row in rows] == [{"why": "=1+1"}] * 3
    assert (await logged(services))[-1].deed == "export_made"
    for player in (desk, block3):
        assert (await player.get("/v1/security-log.csv")).status_code == 403


async def test_a_key_that_is_refused_is_in_the_log_with_the_reason(
    services: Services, cast: Cast, clock: Clock
) -> None:
    desk = await cast("desk")
    key = await add_key(services, NewKey("feed", Grant(frozenset({Role.AUDITOR}))), "test", clock())
    await revoke_key(services, ActorCache(), key["id"], clock())
    for sent in (key["secret"], f"{key['secret'][:-4]}abcd", "hl_nowhere_abcdefgh"):
        assert (await desk.get("/v1/me", headers={"authorization": f"Bearer {sent}"})).status_code == 401
    refused = [(r.about, r.details, r.outcome) for r in await logged(services) if r.deed == "key_refused"]
    assert refused == [
        (key["id"], {"why": "revoked"}, "failed"), (key["id"], {"why": "wrong"}, "failed"),
        (None, {"why": "unknown"}, "failed"),
    ]  # fmt: skip


async def test_other_settings_and_webhooks_are_in_the_log(services: Services, cast: Cast, clock: Clock) -> None:
    boss, values = await cast("boss"), {"public_url": "https://a", "port": "1", "secret": "s" * 40}
    for each in (values, {**values, "port": "2"}, {**values, "public_url": "https://b"}):  # a port is of one process
        await note_settings(services, each, clock())
        await services.security_log.drain()
    body = {"name": "city", "url": "https://city.example/hook?token=x", "events": ["*"]}
    made = await boss.post("/v1/subscriptions", body)
    assert made.status_code == 201, made.text
    path = f"/v1/subscriptions/{made.json()['id']}"
    assert (await boss.post(f"{path}/rotate")).status_code == 200
    etag = {"if-match": (await boss.get(path)).headers["etag"]}
    changed = await boss.http.patch(path, json={"name": "town"}, headers=etag)
    assert changed.status_code == 200, changed.text
    assert (await boss.http.delete(path, headers={"if-match": changed.headers["etag"]})).status_code == 204
    rows = [r for r in await logged(services) if r.deed == "settings_changed" or "webhook" in r.deed]
    assert [(r.deed, r.details.get("changed")) for r in rows[:2]] == [
        ("settings_changed", []), ("settings_changed", ["public_url"]),
    ]  # fmt: skip
    assert [r.deed for r in rows[2:]] == [
        "webhook_added", "webhook_secret_rotated", "webhook_changed", "webhook_removed",
    ]  # fmt: skip
    assert "https://" not in "".join(repr(r.details) for r in rows) and "s" * 8 not in repr(rows[0].details)


async def test_a_wrong_log_in_waits_for_nobody(services: Services, clock: Clock) -> None:
    with pytest.raises(Refused):
        await log_in(services, LogInAttempt("nobody.here", "x", "192.0.2.7"), clock())
    assert [r.details["why"] for r in await logged(services)] == ["unknown_login"]
