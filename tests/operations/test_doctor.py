"""Each check of the doctor passes where nothing is wrong, and fails on the fault it is for."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hotline.database.engine_postgres import Postgres
from hotline.database.engine_sqlite import Sqlite
from hotline.delivery import tables as outbox_tables
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.delivery.heartbeat import Heartbeat
from hotline.delivery.notices import GatewayDown
from hotline.inbound.model import InboundKind
from hotline.inbound.rows import blank_row
from hotline.inbound.spool import Spool
from hotline.operations.doctor import notify_roster_gaps, run_checks
from hotline.operations.findings import Finding
from hotline.operations.jobs import operations_jobs
from hotline.organisation.model.actors import CLOCK
from hotline.organisation.model.holidays import missing_notice_year, parse_notice, with_notice
from hotline.organisation.model.items import Override
from hotline.organisation.service.directory import change
from hotline.refusals import Refused
from hotline.runtime.jobs import WorkerContext
from hotline.tickets import tables as ticket_tables
from hotline.tickets.context import Services
from tests.conftest import SEALING, Clock, Player
from tests.postgres import find_server

NOTICES = Path(__file__).parents[3] / "shared" / "data"


async def found(services: Services, clock: Clock) -> dict[str, Finding]:
    """What each check says; the worst where it says several things."""
    said: dict[str, Finding] = {}
    for f in await run_checks(services, clock.now):
        if f.check not in said or f.wrong:
            said[f.check] = f
    return said


async def test_a_healthy_system_is_reported_as_healthy_and_left_unchanged(
    services: Services, clock: Clock, lift_ticket: dict[str, Any], desk: Player
) -> None:
    clock.now = datetime.now(UTC).replace(year=2026, month=6, day=10)
    said = await run_checks(services, clock.now)
    checks = {
        "directory",
        "clocks",
        "ladders",
        "outbox",
        "calendar",
        "audit",
        "duty",
        "tickets",
        "reckoning",
        "skew",
        "durability",
        "wire",
        "inbound",
        "spool",
        "gateways",
        "permissions",
        "held",
        "phone",
        "model",
        "named",
        "scanner",
        "secret",
        "sealing",
        "keys",
        "passwords",
        "factors",
        "feeds",
        "verified",
    }
    assert {f.check for f in said} == checks
    # the test's clock is not the database's, and its PostgreSQL runs without fsync
    assert {f.check for f in said if f.wrong} <= {"skew", "durability"}
    assert (await desk.see(lift_ticket))["version"] == lift_ticket["version"]


async def overdue(services: Services, clock: Clock) -> None:
    clock.forward(days=3)


async def no_next_step(services: Services, clock: Clock) -> None:
    stuck = (
        sa.update(ticket_tables.clock)
        .where(ticket_tables.clock.c.metric == "resolve")
        .values(next_at=None, next_level=None)
    )
    await services.db.transact(lambda c: c.execute(stuck))


async def no_clock(services: Services, clock: Clock) -> None:
    await services.db.transact(lambda c: c.execute(sa.delete(ticket_tables.clock)))


async def old_message(services: Services, clock: Clock) -> None:
    clock.forward(minutes=6)


async def unannounced_year(services: Services, clock: Clock) -> None:
    clock.now = datetime(2027, 1, 4, 4, tzinfo=UTC)


async def nobody_now(services: Services, clock: Clock) -> None:
    roster = (await services.directory.now(clock.now)).rosters["service-centre"]
    gone = Override(start="2026-11-25T11:00", end="2026-11-25T13:00", member=None)
    await change(services.directory, [("rosters", roster.code, replace(roster, overrides=(gone,)))], CLOCK, clock.now)


async def clock_runs_ahead(services: Services, clock: Clock) -> None:
    theirs = await services.db.time()
    services.db.clock = lambda: theirs  # type: ignore[attr-defined]
    clock.now = theirs + timedelta(seconds=20)


async def fsync_is_off(services: Services, clock: Clock) -> None:
    """The suite's PostgreSQL runs without it anyway."""
    if isinstance(services.db, Sqlite):
        assert all(safe for _, _, safe in await services.db.durability())
        await services.db.run_on_writer(lambda connection: connection.execute("PRAGMA synchronous = OFF"))


async def a_database_across_an_open_network(services: Services, clock: Clock) -> None:
    async def plain() -> str:
        return "10.1.0.5"

    services.db.plain_wire = plain  # type: ignore[method-assign]


def row_of_text(key: str, services: Services, now: datetime) -> dict[str, Any]:
    text = {"id": key, "kind": InboundKind.TEXT, "key": key, "text": "路灯坏了", "partition": key}
    return {**blank_row("test", now), **text}


async def an_old_text(services: Services, clock: Clock) -> None:
    row = row_of_text("old", services, clock())
    await services.inbox.save_to_database([row])
    clock.forward(minutes=6)


async def a_spool_file_that_was_changed(services: Services, clock: Clock) -> None:
    folder = services.files.parent / "spool"
    services.spool = Spool(folder, services.secret)
    folder.mkdir()
    (folder / "x.bad").write_text("?")


async def an_officer_nobody_can_reach(services: Services, clock: Clock) -> None:
    settings = {"url": "http://x.example/", "sender": "12345"}
    secrets = {"secret": ["whsec_" + "QUJD" * 10]}
    services.has_notice_address = False
    await create_gateway(
        services.gateways, NewGateway("g", "generic", settings, secrets, sends=True, weight=50), "test", clock()
    )


FAULTS: list[tuple[str, Callable[[Services, Clock], Awaitable[None]], str]] = [
    ("clocks", overdue, "is a worker running"),
    ("ladders", no_next_step, "without a next step"),
    ("tickets", no_clock, "without a timer"),
    ("outbox", old_message, "has been waiting"),
    ("calendar", unannounced_year, "notice for 2027 is missing"),
    ("duty", nobody_now, "nobody on duty"),
    ("skew", clock_runs_ahead, "apart"),
    ("durability", fsync_is_off, "power cut"),
    ("inbound", an_old_text, "is a worker running"),
    ("spool", a_spool_file_that_was_changed, "set aside"),
    ("gateways", an_officer_nobody_can_reach, "no phone number on the roster"),
]


@pytest.mark.parametrize(("check", "plant", "says"), FAULTS, ids=[f[0] for f in FAULTS])
async def test_a_planted_fault_turns_its_check_red(
    check: str,
    plant: Callable[[Services, Clock], Awaitable[None]],
    says: str,
    services: Services,
    clock: Clock,
    lift_ticket: dict[str, Any],
) -> None:
    if check not in ("skew", "durability"):
        assert not (await found(services, clock))[check].wrong
    await plant(services, clock)
    said = (await found(services, clock))[check]
    assert said.wrong and says in said.says and said.says_zh


async def test_from_november_on_next_years_missing_notice_is_a_warning(services: Services, clock: Clock) -> None:
    cn = (await services.directory.now(clock.now)).calendars["cn"]
    assert missing_notice_year(cn, datetime(2026, 10, 31, tzinfo=UTC).date()) is None
    assert missing_notice_year(cn, datetime(2026, 11, 1, tzinfo=UTC).date()) == 2027
    said = [f for f in await run_checks(services, clock.now) if f.check == "calendar"]
    assert said[0].warns and not said[0].wrong and "2027" in said[0].says and "2027" in said[0].says_zh


async def test_a_counted_otherwise_clock_and_a_dead_message_are_warnings(
    services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    old = sa.update(ticket_tables.clock).values(calendar_version=0)
    dead = sa.update(outbox_tables.outbox).values(status="dead")
    await services.db.transact(lambda c: (c.execute(old), c.execute(dead)))
    warned = {f.check for f in await run_checks(services, clock.now) if f.warns}
    assert {"reckoning", "outbox"} <= warned


async def test_a_database_across_an_open_network_is_a_warning(services: Services, clock: Clock) -> None:
    assert not (await found(services, clock))["wire"].warns
    await a_database_across_an_open_network(services, clock)
    said = (await found(services, clock))["wire"]
    assert said.warns and not said.wrong and "10.1.0.5" in said.says and "未加密" in said.says_zh


async def test_a_system_without_a_notice_address_is_warned_not_failed(
    services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    services.has_notice_address = False
    clock.forward(hours=1)
    said = (await found(services, clock))["outbox"]
    assert said.warns and not said.wrong and "HOTLINE_NOTICE_URL is not set" in said.says


async def test_readyz_shows_what_the_doctor_found_and_stays_ready(
    desk: Player, services: Services, clock: Clock
) -> None:
    await nobody_now(services, clock)
    reply = await desk.get("/readyz")
    assert reply.status_code == 200
    said = {f["check"]: f for f in reply.json()["checks"]["doctor"]}
    assert said["duty"]["wrong"] and not said["calendar"]["wrong"]
    assert reply.json()["checks"]["clocks_due"] == 0


async def test_supervisors_are_notified_of_a_gap_ahead_once(services: Services, clock: Clock) -> None:
    roster = (await services.directory.now(clock.now)).rosters["service-centre"]
    gone = Override(start="2026-11-28T02:00", end="2026-11-28T06:00", member=None)
    await change(services.directory, [("rosters", roster.code, replace(roster, overrides=(gone,)))], CLOCK, clock.now)
    assert [await notify_roster_gaps(services, clock.now) for _ in range(3)] == [1, 0, 0]
    rows = await services.db.transact(
        lambda c: c.execute(sa.select(outbox_tables.outbox).where(outbox_tables.outbox.c.kind == "gap")).all()
    )
    assert rows[0].partition == "role:supervisor"
    assert "nobody on duty 02:00–06:00 Saturday 2026-11-28" in rows[0].payload["text"]
    assert "无人值班" in rows[0].payload["text_zh"]


async def test_a_postgres_that_keeps_what_it_says_is_found_safe(tmp_path: Path) -> None:
    server = find_server(tmp_path, durable=True)
    if server is None:
        pytest.skip("no PostgreSQL on this machine")
    try:
        db = Postgres(server.fresh("durable"), sealing=SEALING)
        assert {name: safe for name, _, safe in await db.durability()} == dict.fromkeys(
            ("fsync", "full_page_writes", "synchronous_commit"), True
        )
        await db.close()
    finally:
        server.stop()


async def test_the_heartbeat_beats_only_while_nothing_is_wrong(
    services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    beats: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        beats.append(request)
        return httpx.Response(200)

    clock.now = await services.db.time()
    await services.db.transact(
        lambda c: (
            c.execute(sa.delete(outbox_tables.outbox)),
            c.execute(sa.update(ticket_tables.clock).values(next_at=clock.now + timedelta(days=1))),
        )
    )
    cn = (await services.directory.now(clock.now)).calendars["cn"]
    far = replace(cn, confirmed_to=f"{clock.now.year + 1}-12-31")
    await change(services.directory, [("calendars", "cn", far)], CLOCK, clock.now)
    context = WorkerContext(
        services, heartbeat=Heartbeat(httpx.AsyncClient(transport=httpx.MockTransport(take)), "https://watch.example/x")
    )
    audit = operations_jobs(context)[0].step
    await audit()
    safe = all(safe for _, _, safe in await services.db.durability())  # the suite's PostgreSQL runs without fsync
    assert len(beats) == safe, [f for f in await run_checks(services, clock.now) if f.wrong]
    await no_next_step(services, clock)
    await audit()
    assert len(beats) == safe
    refusing = Heartbeat(
        httpx.AsyncClient(transport=httpx.MockTransport(lambda r: httpx.Response(500))), "https://watch.example/x"
    )
    with pytest.raises(GatewayDown):
        await refusing.beat()


def notice(year: int = 2027, **over: Any) -> dict[str, Any]:
    days = [
        {"name": "元旦", "date": f"{year}-01-01", "isOffDay": True},
        {"name": "元旦", "date": f"{year - 1}-12-31", "isOffDay": True},
    ]
    return {"year": year, "papers": [], "days": days, **over}


WRONG: list[tuple[Any, str, int | None, str]] = [
    ([], "2027.json", None, "year"),
    ({"year": "2027", "days": []}, "2027.json", None, "year"),
    (notice(2027, days=[]), "2027.json", None, "days"),  # not announced yet
    (notice(2026), "holiday-cn-2027.json", None, "year"),  # named for another year
    (notice(2026), "notice.json", 2027, "year"),
    (notice(2027, days=[{"name": "x", "date": "2025-01-01", "isOffDay": True}]), "2027.json", None, "days.0.date"),
    (notice(2027, days=[{"name": "x", "date": "2027-02-30", "isOffDay": True}]), "2027.json", None, "days.0"),
    (notice(2027, days=[{"name": "x", "date": "2027-02-03", "isOffDay": 1}]), "2027.json", None, "days.0.isOffDay"),
    (notice(2027, days=notice()["days"] * 2), "2027.json", None, "days.2.date"),
]


@pytest.mark.parametrize(
    ("data", "name", "wanted", "field"), WRONG, ids=[f"{n}-{f}" for n, (_, _, _, f) in enumerate(WRONG)]
)
def test_a_notice_that_is_not_one_names_its_fault(data: Any, name: str, wanted: int | None, field: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_notice(data, name, wanted)
    assert field in dict(refused.value.refusal.errors)


async def test_a_year_is_not_skipped_and_a_notice_replaces_what_was_said_of_its_year(
    services: Services, clock: Clock
) -> None:
    calendars = (await services.directory.now(clock.now)).calendars
    with pytest.raises(Refused):
        with_notice(calendars["cn"], parse_notice(notice(2028), "2028.json"))
    with pytest.raises(Refused):
        with_notice(calendars["always"], parse_notice(notice(), "2027.json"))
    first = with_notice(calendars["cn"], parse_notice(notice(), "2027.json"))
    assert (first.confirmed_to, first.days["2027-01-01"], first.days["2026-12-31"]) == ("2027-12-31", False, False)
    again = with_notice(
        first, parse_notice(notice(days=[{"name": "x", "date": "2027-01-02", "isOffDay": False}]), "2027.json")
    )
    assert "2027-01-01" not in again.days and again.days["2027-01-02"] and again.confirmed_to == "2027-12-31"


@pytest.mark.skipif(not NOTICES.is_dir(), reason="the notices' files are not there")
@pytest.mark.parametrize("year", [2023, 2024, 2025, 2026])
async def test_the_seeded_calendar_is_what_the_notices_say(year: int, services: Services, clock: Clock) -> None:
    cn = (await services.directory.now(clock.now)).calendars["cn"]
    read = parse_notice(
        json.loads((NOTICES / f"holiday-cn-{year}.json").read_text(encoding="utf-8")), f"holiday-cn-{year}.json"
    )
    assert all(cn.days[day] == worked and cn.names[day] == read.names[day] for day, worked in read.days.items())
