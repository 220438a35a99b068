"""What a claim of the outbox finds, and what it reads: as much behind five thousand messages that cannot be sent as behind
twenty thousand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.composition import CAPABILITIES
from hotline.delivery import store as outbox_store
from hotline.delivery.message_kinds import MessageKinds
from hotline.delivery.model import AvailableChannels, WayOf
from hotline.delivery.model import MessageStatus as M
from hotline.delivery.tables import outbox as o
from hotline.operations.doctor import run_checks
from hotline.tickets.context import Services
from tests.conftest import NOON, Clock, Player

KINDS = MessageKinds(lambda: [kind for each in CAPABILITIES for kind in each.messages()])
NOTICES = KINDS.ways(AvailableChannels(notices=True, hooks=True))
HOOKS = KINDS.ways(
    AvailableChannels(hooks=True)
)  # neither a notice address nor an SMS gateway: notices have no way out
TEXTS = KINDS.ways(AvailableChannels(texts=True, hooks=True))
FEW, MANY = 5_000, 20_000
SPREAD = 2  # of four times as much: the indexes are a level deeper, the plans need not be the same
LONG_AGO = "2026-11-20 00:00:00+00:00"
YESTERDAY = NOON - timedelta(days=1)


def a_message(n: int, kind: str, partition: str, at: datetime, **over: Any) -> dict[str, Any]:
    return {
        "id": f"{kind}-{partition}-{n:06d}", "kind": kind, "number": "", "partition": partition, "payload": {"n": n},
        "status": M.QUEUED, "attempts": 0, "max_attempts": outbox_store.MAX_TRIES, "created_at": at, "next_at": at,
        "lease_until": None, "lease_token": None, "last_error": None, **over,
    }  # fmt: skip


def without_a_way(count: int) -> list[dict[str, Any]]:
    """Notices to departments, all due, where there is no notice address."""
    return [a_message(n, "department", f"department:{n % 40}", YESTERDAY + timedelta(seconds=n)) for n in range(count)]


def behind_a_dead_one(count: int) -> list[dict[str, Any]]:
    """Deliveries to one subscriber whose server is down: the first is tried again in the evening, the others wait."""
    first = a_message(0, "webhook", "subscription:dead", YESTERDAY, attempts=5, next_at=NOON + timedelta(hours=6))
    rest = (a_message(n, "webhook", "subscription:dead", YESTERDAY + timedelta(seconds=n)) for n in range(1, count + 1))
    return [first, *rest]


def of_others() -> list[dict[str, Any]]:
    """What can be sent, and was due later than all the rest."""
    return [
        a_message(n, "webhook", f"subscription:{n % 5}", NOON - timedelta(minutes=5) + timedelta(seconds=n))
        for n in range(20)
    ]


@pytest.fixture(autouse=True)
async def no_earlier_pages(services: Services) -> None:
    """What earlier tests deleted still takes pages, and these tests count what is read."""
    if services.db.dialect.name == "postgresql":
        await services.db.transact(lambda c: c.exec_driver_sql("TRUNCATE outbox"))


async def fill(services: Services, rows: Sequence[dict[str, Any]]) -> None:
    def put(c: sa.Connection) -> None:
        for at in range(0, len(rows), 1000):
            c.execute(sa.insert(o), list(rows[at : at + 1000]))
        c.exec_driver_sql("ANALYZE outbox")  # as autovacuum would have done it by now

    await services.db.transact(put)


async def fill_with_sent(services: Services, count: int) -> None:
    """What was sent in the days before and is kept: it lies in front of what waits."""
    made = f"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        INSERT INTO outbox (id, kind, number, partition, payload, status, attempts, max_attempts, created_at, next_at)
        SELECT 'sent-' || i, 'webhook', '', 'subscription:dead', '{{}}', 'sent', 1, 8, '{LONG_AGO}', '{LONG_AGO}' FROM n
    """
    await services.db.transact(lambda c: c.exec_driver_sql(made))


async def claims_until(services: Services, found: Callable[[Sequence[Any]], bool], ways: WayOf, most: int) -> int:
    """How many claims it takes until one finds that; `most` at most, else the test fails."""
    for n in range(1, most + 1):
        token = f"w{n}"
        taken = await services.db.transact(lambda c, t=token: outbox_store.claim(c, NOON, t, 64, ways))
        if found(taken):
            return n
    raise AssertionError(f"not found in {most} claims")


async def test_messages_that_nobody_can_send_do_not_hide_those_that_can_be(services: Services) -> None:
    await fill(services, without_a_way(FEW) + of_others())
    taken = await services.db.transact(lambda c: outbox_store.claim(c, NOON, "mine", 64, HOOKS))
    assert sorted(m.partition for m in taken) == [f"subscription:{n}" for n in range(5)]
    assert {m.payload["n"] for m in taken} == set(range(5))  # the first of each
    assert await services.db.transact(lambda c: outbox_store.claim(c, NOON, "other", 64, HOOKS)) == []
    taken = await services.db.transact(lambda c: outbox_store.claim(c, NOON, "with an address", 64, NOTICES))
    assert {m.kind for m in taken} == {"department"} and len(taken) == 40  # now they have a way: one for each receiver


async def test_thousands_behind_one_that_is_down_hide_the_other_receivers_for_a_few_claims_at_most(
    services: Services,
) -> None:
    await fill(services, behind_a_dead_one(FEW) + of_others())
    tried = await claims_until(services, lambda taken: len(taken) == 5, HOOKS, FEW // outbox_store.CLAIM_WINDOW + 1)
    assert tried > 1  # else the windows that are set aside are not what this story is about
    taken = await services.db.transact(lambda c: outbox_store.claim(c, NOON, "again", 64, HOOKS))
    assert taken == []  # the five are held, and nothing behind them is taken


async def test_what_was_deferred_follows_in_order_when_its_first_is_through(services: Services, clock: Clock) -> None:
    await fill(services, behind_a_dead_one(3 * outbox_store.CLAIM_WINDOW))
    for _ in range(4):
        assert await services.db.transact(lambda c: outbox_store.claim(c, NOON, "w", 64, HOOKS)) == []
    clock.forward(hours=6)
    came: list[int] = []
    while len(came) < 20:
        taken = await services.db.transact(lambda c: outbox_store.claim(c, clock(), "w", 64, HOOKS))
        assert len(taken) == 1, came  # one at a time, and at once the next
        came.append(taken[0].payload["n"])
        assert await services.db.transact(lambda c, m=taken[0]: outbox_store.mark_sent(c, m.id, "w"))
    assert came == list(range(20))


async def test_what_was_deferred_is_sent_when_its_first_is_given_up(services: Services, clock: Clock) -> None:
    await fill(services, behind_a_dead_one(2 * outbox_store.CLAIM_WINDOW))
    for _ in range(3):
        await services.db.transact(lambda c: outbox_store.claim(c, NOON, "w", 64, HOOKS))
    first = behind_a_dead_one(1)[0]["id"]
    assert await services.db.transact(lambda c: outbox_store.drop(c, first, "by hand"))
    taken = await services.db.transact(lambda c: outbox_store.claim(c, NOON, "w", 64, HOOKS))
    assert [m.payload["n"] for m in taken] == [1]


async def test_what_was_deferred_follows_at_once_when_the_worker_of_its_first_died_at_the_last_try(
    services: Services, clock: Clock
) -> None:
    first, *rest = behind_a_dead_one(2 * outbox_store.CLAIM_WINDOW)
    tried = {"status": M.LEASED, "attempts": outbox_store.MAX_TRIES, "lease_token": "died", "lease_until": YESTERDAY}
    await fill(services, [{**first, **tried}, *rest])
    for _ in range(3):
        await services.db.transact(lambda c: outbox_store.claim(c, NOON, "w", 64, HOOKS))
    assert await services.db.transact(outbox_store.mark_abandoned_dead) == 1
    taken = await services.db.transact(lambda c: outbox_store.claim(c, NOON, "w", 64, HOOKS))
    assert [m.payload["n"] for m in taken] == [1]


async def test_with_sms_gateways_alone_residents_and_officers_are_texted_and_departments_wait(
    services: Services,
) -> None:
    kinds = [
        a_message(1, "resident", "ticket:1", YESTERDAY),
        a_message(2, "escalation", "duty:fire", YESTERDAY),
        a_message(3, "escalation", "department:lifts", YESTERDAY),
        a_message(4, "department", "department:lifts", YESTERDAY),
    ]
    await fill(services, kinds)
    taken = await services.db.transact(lambda c: outbox_store.claim(c, NOON, "w", 64, TEXTS))
    assert sorted(m.payload["n"] for m in taken) == [1, 2]


# What it reads


class Undone(Exception):
    """Rolls the transaction back."""


@dataclass
class Read:
    """What the claim's statements read, by the database's own account."""

    rows: int = 0
    pages: int = 0
    scanned: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()


def statements_of(c: sa.Connection, ways: WayOf) -> list[tuple[str, Any]]:
    """The statements of one claim, with the values as the driver gets them."""
    said: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        said.append((statement, values))

    sa.event.listen(c, "before_cursor_execute", note)
    try:
        outbox_store.claim(c, NOON, "explained", 64, ways)
    finally:
        sa.event.remove(c, "before_cursor_execute", note)
    return [(statement, values) for statement, values in said if "outbox" in statement]


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes(part))]


def explained(c: sa.Connection, statement: str, values: Any) -> Read:
    """PostgreSQL: what it did read. The statement runs again, and finds what the first run left."""
    told = c.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values).scalar_one()
    plan = told[0]["Plan"]
    read = Read(pages=plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    for node in nodes(plan):
        if node.get("Relation Name") != "outbox":
            continue
        left_out = sum(v for k, v in node.items() if k.startswith("Rows Removed by"))
        read.rows += int((node["Actual Rows"] + left_out) * node["Actual Loops"])
        read.scanned += (node["Node Type"],) if node["Node Type"] == "Seq Scan" else ()
    return read


async def postgres_reads(services: Services, ways: WayOf) -> Read:
    total = Read()

    def ask(c: sa.Connection) -> None:
        with c.begin_nested() as first:
            said = statements_of(c, ways)
            first.rollback()  # what was taken or set aside is there again
        for statement, values in said:
            with c.begin_nested() as each:
                read = explained(c, statement, values)
                each.rollback()
            total.rows, total.pages = total.rows + read.rows, total.pages + read.pages
            total.scanned += read.scanned
        raise Undone

    with pytest.raises(Undone):
        await services.db.transact(ask)
    return total


STEP = 50  # instructions of SQLite's machine in one count


async def sqlite_reads(services: Services, ways: WayOf) -> Read:
    """SQLite: the plans, and how many instructions the claim ran, which goes with the rows it visits."""
    total = Read()

    def ask(c: sa.Connection) -> None:
        ran = 0

        def count() -> int:
            nonlocal ran
            ran += 1
            return 0

        line: Any = c.connection.driver_connection
        line.set_progress_handler(count, STEP)
        try:
            said = statements_of(c, ways)
        finally:
            line.set_progress_handler(None, STEP)
        total.rows = ran * STEP
        for statement, values in said:
            plan = c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            total.plans += tuple(row.detail for row in plan)
        # a SCAN of one of the derived tables is a walk over 500 rows at most, that of the table itself over all
        total.scanned = tuple(d for d in total.plans if d.startswith(("SCAN outbox", "SCAN other", "SCAN earlier")))
        raise Undone

    with pytest.raises(Undone):
        await services.db.transact(ask)
    return total


async def reads_of(services: Services, ways: WayOf) -> Read:
    return await (sqlite_reads if services.db.dialect.name == "sqlite" else postgres_reads)(services, ways)


@pytest.mark.parametrize("waiting", [without_a_way, behind_a_dead_one])
async def test_a_claim_reads_no_more_behind_twenty_thousand_than_behind_five_thousand(
    waiting: Callable[[int], list[dict[str, Any]]], services: Services
) -> None:
    rows = waiting(MANY)
    await fill_with_sent(services, FEW)
    await fill(services, rows[:FEW] + of_others())
    few = await reads_of(services, HOOKS)
    await fill(services, rows[FEW:])
    many = await reads_of(services, HOOKS)
    assert many.scanned == ()  # PostgreSQL may walk the small table, where that costs less
    assert 0 < many.rows <= SPREAD * few.rows
    assert many.pages <= SPREAD * few.pages
    if services.db.dialect.name == "postgresql":
        assert many.rows <= 8 * outbox_store.CLAIM_WINDOW
    else:
        assert any("ix_outbox_kind_next_at_id" in detail for detail in many.plans)
        assert not any("ix_outbox_due" in detail for detail in many.plans)


async def test_with_nothing_but_what_nobody_can_send_a_claim_reads_a_handful_of_rows(services: Services) -> None:
    await fill(services, without_a_way(FEW))
    read = await reads_of(services, HOOKS)
    assert read.scanned == ()
    if services.db.dialect.name == "sqlite":
        assert read.rows <= 1_000
    else:
        assert read.rows <= 10 and read.pages <= 40


# What is told of it


async def test_what_nobody_can_send_is_named_and_counted_by_the_doctor_and_by_metrics(
    services: Services, clock: Clock, desk: Player
) -> None:
    silent = replace(services, has_notice_address=False)
    rows = without_a_way(37) + [a_message(n, "webhook", f"subscription:{n}", YESTERDAY) for n in range(3)]
    await fill(services, rows)
    said = [f for f in await run_checks(silent, clock()) if f.check == "outbox"]
    named = [f for f in said if "37 messages of kind department" in f.says]
    assert len(named) == 1 and named[0].warns and not named[0].wrong
    assert "have no gateway or address to go to" in named[0].says
    assert "37 条 department 类消息滞留" in named[0].says_zh
    assert not any("kind webhook" in f.says for f in said)  # they have a way out
    services.has_notice_address = False
    lines = (await desk.http.get("/metrics")).text.splitlines()
    assert 'hotline_outbox_waiting{kind="department",sendable="false"} 37.0' in lines
    assert 'hotline_outbox_waiting{kind="webhook",sendable="true"} 3.0' in lines


async def test_the_doctor_counts_a_thousand_of_a_kind_and_no_more(services: Services, clock: Clock) -> None:
    await fill(services, without_a_way(FEW))
    waits = await outbox_store.load_waiting_messages(services.db, HOOKS)
    assert [(w.kind, w.count, w.sendable, w.oldest) for w in waits] == [("department", 1000, False, YESTERDAY)]
    silent = replace(services, has_notice_address=False)
    says = " ".join(f.says for f in await run_checks(silent, clock()) if f.check == "outbox")
    assert "1000 or more messages of kind department" in says
