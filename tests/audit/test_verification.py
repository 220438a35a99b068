"""Whatever is changed by SQL is found, and what was not changed is well."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.audit import checkpoints, jobs
from hotline.audit.chaining import chain_tickets, find_unchained
from hotline.audit.checkpoints import checkpoint_line, make_checkpoint
from hotline.audit.jobs import audit_jobs, check_recent_history
from hotline.audit.opening import reopen
from hotline.audit.shipping import LogDestinations
from hotline.audit.verification import ChainFault, Verified, verify, verify_history
from hotline.database.columns import Document, Instant
from hotline.organisation.model.actors import CLOCK
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.tables import chain_head, chain_opening, checkpoint, checkpoint_head, security_log
from hotline.security_log.vocabulary import Deed
from hotline.tickets.context import Services
from hotline.tickets.store.chain import IMAGE_COLUMNS
from hotline.tickets.tables import attachment, event, ticket, timeline
from tests.conftest import LIFT, Cast, Clock, Player

LATER = datetime(2031, 1, 1, tzinfo=UTC)  # lines without a hash have long been chained
NOTHING: Callable[[sa.Connection], object] = lambda c: None  # noqa: E731


class _TakeBack(Exception):
    pass


async def verified(
    services: Services, change: Callable[[sa.Connection], object] = NOTHING, **kw: Any
) -> ChainFault | Verified:
    """What verification says of the database with a change, which is taken back."""
    found: list[ChainFault | Verified] = []

    def look(c: sa.Connection) -> None:
        change(c)
        found.append(verify(c, services.secret, **kw))
        raise _TakeBack

    with pytest.raises(_TakeBack):
        await services.db.transact(look)
    return found[0]


async def take_checkpoint(services: Services, clock: Clock) -> dict[str, Any]:
    made = await services.db.transact(lambda c: make_checkpoint(c, services.secret, clock(), timedelta(0)))
    assert made is not None
    return made


@pytest.fixture
async def history(services: Services, cast: Cast, desk: Player, clock: Clock) -> Services:
    """Tickets that were triaged, dispatched, answered, merged and amended, deeds, and two checkpoints."""
    switch, lifts = await cast("switch"), await cast("lifts")
    phone = {"phone": "13800138000", "name": "王秀英"}
    place = {"area": "rq-g1", "address": "3栋2单元", "lat": 30.0, "lon": -0.0}
    first = await desk.call(LIFT, caller=phone, category="dt-fault", location=place)
    for n in range(3):
        await desk.call(f"{n + 4}栋路灯不亮", location={"lat": 30.5 + n, "lon": 104.1})
    first = await lifts.order(first, "accept")
    await take_checkpoint(services, clock)
    clock.forward(hours=1)
    await desk.act(await desk.see(first), "urge", reason="又打来")
    second = await desk.call("电梯又坏了 1号梯", category="dt-fault")
    await switch.act(await switch.see(second), "merge", target=first["number"], reason="同一件事")
    for n in range(4):
        event = SecurityEvent(Deed.LOG_IN, CLOCK, clock(), ("person", f"p{n}"), {"n": n, "roles": ["admin", "auditor"]})
        await services.db.transact(lambda c, event=event: record_deed(c, event))
    await take_checkpoint(services, clock)
    clock.forward(hours=1)
    await lifts.order(
        await lifts.see(first), "report", internal_result="换了继电器", public_reply="修好了", solved=True
    )
    return services


# one row of each is changed at a time, in one of these columns
AUDITED: dict[sa.Table, tuple[sa.Column[Any], ...]] = {
    timeline: tuple(timeline.columns),
    ticket: (*IMAGE_COLUMNS, ticket.c.head, ticket.c.chained),
    security_log: tuple(security_log.columns),
    checkpoint: tuple(checkpoint.columns),
    checkpoint_head: tuple(checkpoint_head.columns),
}


def other(column: sa.Column[Any], value: Any, chance: random.Random) -> Any:
    """Another value of a column."""
    if column.nullable and value is not None and chance.random() < 0.2:
        return None
    if isinstance(column.type, Instant):
        return (value or LATER) + timedelta(microseconds=chance.choice((1, 10**6)))
    if isinstance(column.type, Document):
        return {**value, "forged": 1} if isinstance(value, dict) else [*(value or []), "forged"]
    if isinstance(column.type, sa.Boolean):
        return not value
    if isinstance(column.type, sa.Integer | sa.Float):
        return (value or 0) + 1
    return f"{(value or '')[:-1]}{'x' if not (value or '').endswith('x') else 'y'}"


def tamper(c: sa.Connection, chance: random.Random) -> str:
    """One random change; what it was."""
    table = chance.choice(list(AUDITED))
    columns = [col for col in table.columns]
    rows = c.execute(sa.select(*columns).order_by(*table.primary_key.columns)).all()
    row = chance.choice(rows)._asdict()
    here = sa.and_(*(col == row[col.name] for col in table.primary_key.columns))
    gesture = chance.choices(("update", "delete", "insert"), (6, 2, 2))[0]
    if gesture == "delete":
        c.execute(sa.delete(table).where(here))
    elif gesture == "insert":
        key = list(table.primary_key.columns)[-1]
        c.execute(
            sa.insert(table).values({**row, key.name: other(key, row[key.name], chance), **UNIQUE.get(table, {})})
        )
    else:
        column = chance.choice(AUDITED[table])
        value = other(column, row[column.name], chance)
        c.execute(sa.update(table).where(here).values({column.name: value}))
        gesture = f"{gesture} {column.name} = {value!r}"
    return f"{gesture} {table.name} {[row[col.name] for col in table.primary_key.columns]}"


UNIQUE: dict[sa.Table, dict[str, Any]] = {ticket: {"outer_number": None}}


async def test_every_random_change_by_sql_is_found(history: Services) -> None:
    well = await verified(history)
    assert isinstance(well, Verified), well
    assert (well.tickets, well.checkpoints) == (5, 2)
    assert well.events >= 4
    on_sqlite = history.db.dialect.name == "sqlite"
    chance, wanted, found = random.Random(15), 600 if on_sqlite else 60, 0
    missed: list[str] = []

    def change_all(c: sa.Connection) -> None:
        nonlocal found
        if on_sqlite:
            c.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            c.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        else:
            c.exec_driver_sql("SET LOCAL session_replication_role = replica")
            c.exec_driver_sql("SET LOCAL statement_timeout = 0")
        while found + len(missed) < wanted:
            point = c.begin_nested()
            try:
                what = tamper(c, chance)
            except (sa.exc.IntegrityError, sa.exc.DataError):  # the schema forbids it already
                point.rollback()
                continue
            if isinstance(verify(c, history.secret), ChainFault):
                found += 1
            else:
                missed.append(what)
            point.rollback()
        assert isinstance(verify(c, history.secret), Verified)
        if on_sqlite:
            c.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
        raise _TakeBack

    with pytest.raises(_TakeBack):
        await history.db.transact(change_all)
    assert not missed, f"{len(missed)} of {wanted}: " + "; ".join(missed[:10])
    assert isinstance(await verified(history), Verified)


async def test_the_first_wrong_row_is_named(history: Services, clock: Clock) -> None:
    def rename(c: sa.Connection) -> None:
        c.execute(sa.update(timeline).where(timeline.c.seq == 2).values(by_name="somebody else"))

    found = await verified(history, rename)
    assert isinstance(found, ChainFault)
    assert found.row.startswith("timeline 1") and found.row.endswith("line 2")
    # what has happened since then is as it was written
    recent = await verified(history, since=clock() - timedelta(minutes=1))
    assert isinstance(recent, Verified)
    assert (recent.tickets, recent.events) == (1, 0)


async def test_a_tail_that_was_cut_and_hidden_is_known_by_the_checkpoint(history: Services, clock: Clock) -> None:
    """Whoever deletes the newest ticket with all its rows leaves nothing that is wrong in itself."""

    def forget_all(c: sa.Connection) -> None:
        forget_ticket(c, c.execute(sa.select(sa.func.max(ticket.c.number))).scalar_one())

    found = await verified(history, forget_all)
    assert isinstance(found, ChainFault)
    assert "checkpoint 2 holds" in found.why


async def test_a_checkpoint_that_was_kept_elsewhere_shows_what_was_rewritten(history: Services, clock: Clock) -> None:
    third = await take_checkpoint(history, clock)
    kept = {**third, "at": third["at"].isoformat()}

    def cut_the_end(c: sa.Connection) -> None:
        c.execute(sa.delete(checkpoint_head).where(checkpoint_head.c.checkpoint == 3))
        c.execute(sa.delete(checkpoint).where(checkpoint.c.number == 3))
        before = c.execute(sa.select(checkpoint.c.hash).where(checkpoint.c.number == 2)).scalar_one()
        c.exec_driver_sql(f"UPDATE chain_head SET position = 2, hash = '{before}' WHERE name = 'checkpoints'")

    assert isinstance(await verified(history, cut_the_end), Verified)
    assert await verified(history, cut_the_end, outside=[kept]) == ChainFault(
        "checkpoint 3", "it is in the file, and not in the database"
    )
    assert isinstance(await verified(history, outside=[kept]), Verified)
    assert isinstance(await verified(history, outside=[{**kept, "hash": "0" * 64}]), ChainFault)
    with pytest.raises(_TakeBack):  # signed by a key that was made elsewhere
        await history.db.transact(lambda c: _with_a_foreign_key(c, history))


def _with_a_foreign_key(c: sa.Connection, services: Services) -> None:
    c.exec_driver_sql("DELETE FROM audit_key")
    c.exec_driver_sql("DELETE FROM checkpoint_head")
    c.exec_driver_sql("DELETE FROM audit_checkpoint")
    c.exec_driver_sql("DELETE FROM chain_head WHERE name = 'checkpoints'")
    make_checkpoint(c, b"another secret, of whoever has only the database", LATER, timedelta(0))
    found = verify(c, services.secret)
    assert found == ChainFault("checkpoint 1", "its key is not one of this system")
    raise _TakeBack


def forget_checkpoints(c: sa.Connection) -> None:
    c.execute(sa.delete(checkpoint_head))
    c.execute(sa.delete(checkpoint))
    c.execute(sa.delete(chain_head).where(chain_head.c.name == "checkpoints"))


def as_written_before(c: sa.Connection, number: str) -> None:
    """The lines of a ticket but the first two as a process of an older version writes them: without a hash, and the
    head is left where it was."""
    lines = timeline.c.number == number
    head = c.execute(sa.select(timeline.c.hash).where(lines, timeline.c.seq == 2)).scalar_one()
    c.execute(sa.update(timeline).where(lines, timeline.c.seq > 2).values(hash=None, image=None))
    c.execute(sa.update(ticket).where(ticket.c.number == number).values(head=head, chained=2))


async def first_number(services: Services) -> str:
    return await services.db.transact(lambda c: c.execute(sa.select(sa.func.min(ticket.c.number))).scalar_one())


def begin_anew(c: sa.Connection, at: datetime) -> None:
    """The day of the migration."""
    forget_checkpoints(c)
    c.execute(sa.delete(chain_opening))
    c.execute(sa.insert(chain_opening).values(id=1, at=at, log_position=0))


@pytest.mark.parametrize(("took", "rest"), [(0.05, 0.15), (2.0, 0.5)])
async def test_calls_come_before_older_lines(
    history: Services, clock: Clock, took: float, rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each batch the worker rests three times as long as that took, and half a second at most."""
    rests: list[float] = []
    ticks = count()

    async def sleep(seconds: float) -> None:
        assert isinstance(await verified(history), Verified), "what was chained so far stands"
        rests.append(seconds)

    def older(c: sa.Connection) -> int:
        numbers = c.execute(sa.select(timeline.c.number).where(timeline.c.seq == 3)).scalars().all()
        begin_anew(c, clock())
        for number in numbers:
            as_written_before(c, number)
        return len(numbers)

    monkeypatch.setattr(jobs, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(jobs, "time", SimpleNamespace(perf_counter=lambda: next(ticks) * took))
    monkeypatch.setattr(jobs, "BATCH", 1)
    tickets = await history.db.transact(older)
    chaining = next(job for job in audit_jobs(history) if job.name == "chaining")
    while await chaining.step():
        pass
    assert len(rests) == tickets > 1 and rests == pytest.approx([rest] * tickets)
    found = await verified(history)
    assert isinstance(found, Verified) and found.waiting == 0


async def test_lines_of_an_older_version_are_chained_until_all_are(
    history: Services, desk: Player, clock: Clock
) -> None:
    number = await first_number(history)
    await history.db.transact(lambda c: (begin_anew(c, clock()), as_written_before(c, number)))
    waiting = await verified(history)
    assert isinstance(waiting, Verified)
    assert waiting.waiting > 0
    await desk.act(await desk.see(number), "comment", text="还在等")  # a newer process writes meanwhile
    chaining = next(job for job in audit_jobs(history) if job.name == "chaining")
    clock.forward(days=9)  # the worker rested, and the day is over long since
    while await chaining.step():
        pass
    well = await verified(history)
    assert isinstance(well, Verified)
    assert well.waiting == 0
    await history.db.transact(lambda c: as_written_before(c, number))
    assert isinstance(await verified(history), Verified), "the opening has not ended"
    while await chaining.step():  # to the end, and then once through all of them
        pass
    await chaining.step()

    await history.db.transact(lambda c: as_written_before(c, number))  # after the opening has ended
    assert await verified(history) == ChainFault(f"timeline {number} line 3", "it has no hash")
    assert await history.db.transact(lambda c: chain_tickets(c, find_unchained(c))) == 0
    assert await history.db.transact(lambda c: reopen(c, CLOCK, clock()))
    assert not await history.db.transact(lambda c: reopen(c, CLOCK, clock())), "it is open"
    while await chaining.step():
        pass
    well = await verified(history)
    assert isinstance(well, Verified)
    assert well.waiting == 0
    await desk.act(await desk.see(number), "comment", text="再催")
    assert isinstance(await verified(history), Verified)


async def test_an_end_that_is_signed_is_not_undone_by_sql(history: Services, clock: Clock) -> None:
    number = await first_number(history)
    await history.db.transact(lambda c: begin_anew(c, clock()))
    clock.forward(days=1)
    chaining = next(job for job in audit_jobs(history) if job.name == "chaining")
    await chaining.step()
    signed = await take_checkpoint(history, clock)
    assert signed["closed"] is True

    def open_and_forge(c: sa.Connection) -> None:
        c.execute(sa.update(chain_opening).values(at=clock(), ended_at=None))
        as_written_before(c, number)
        c.execute(sa.update(timeline).where(timeline.c.number == number).values(by_name="somebody else"))
        assert chain_tickets(c, [number]) == 0

    def open_anew(c: sa.Connection) -> None:
        open_and_forge(c)
        told = c.execute(sa.select(sa.func.max(security_log.c.position))).scalar_one()  # of something else
        c.execute(sa.insert(chain_opening).values(id=2, at=clock(), log_position=told))
        assert chain_tickets(c, [number]) == 0

    for forge in (open_and_forge, open_anew):
        assert isinstance(await verified(history, forge), ChainFault)


async def test_a_hash_is_never_replaced(history: Services, clock: Clock) -> None:
    def forge(c: sa.Connection) -> None:
        begin_anew(c, clock())
        c.execute(sa.update(timeline).where(timeline.c.seq == 1).values(by_name="somebody else"))
        c.execute(sa.update(ticket).values(chained=None, head=None))
        assert chain_tickets(c, find_unchained(c)) == 0

    assert isinstance(await verified(history, forge), ChainFault)


def _heads(c: sa.Connection) -> dict[str, str | None]:
    return {number: head for number, head in c.execute(sa.select(ticket.c.number, ticket.c.head))}


async def test_a_ticket_that_was_changed_holds_up_no_other(history: Services, clock: Clock) -> None:
    number = await first_number(history)

    def chain_all(c: sa.Connection) -> None:
        begin_anew(c, clock())
        heads = {**_heads(c), number: None}
        first_line = sa.and_(timeline.c.number == number, timeline.c.seq == 1)
        c.execute(sa.update(timeline).where(first_line).values(by_name="somebody else"))
        c.execute(sa.update(timeline).where(timeline.c.number != number).values(hash=None))
        c.execute(sa.update(ticket).values(chained=None, head=None))
        assert chain_tickets(c, find_unchained(c)) == len(heads) - 1 > 1
        assert find_unchained(c) == [number]
        assert _heads(c) == heads

    assert isinstance(await verified(history, chain_all), ChainFault)


async def test_what_was_there_before_stands_in_a_checkpoint_too(
    history: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chained after the first checkpoint, by no event; and looked at a part at a time."""
    monkeypatch.setattr(checkpoints, "PART", 2)
    unchained = {"hash": None, "image": None}
    await history.db.transact(
        lambda c: (
            begin_anew(c, clock()),
            c.execute(sa.update(timeline).values(unchained)),
            c.execute(sa.update(ticket).values(head=None, chained=None)),
        )
    )
    first = await take_checkpoint(history, clock)
    assert (first["tickets"], first["closed"]) == (0, False)
    jobs = {job.name: job for job in audit_jobs(history)}
    clock.forward(days=1)
    while await jobs["chaining"].step():
        pass
    await jobs["chaining"].step()
    for _ in range(2):  # the look that was begun; and the one after all lines have their hashes
        clock.forward(hours=1)
        while await jobs["checkpoints"].step():
            pass
    rows = await history.db.transact(lambda c: c.execute(sa.select(checkpoint).order_by(checkpoint.c.number)).all())
    looked_at = [row.tickets for row in rows]
    assert max(looked_at) == 2 and sum(looked_at) == 5, looked_at
    assert rows[-1].through is None and rows[-1].closed
    last = await history.db.transact(lambda c: c.execute(sa.select(sa.func.max(ticket.c.number))).scalar_one())
    found = await verified(history, lambda c: forget_ticket(c, last))
    assert isinstance(found, ChainFault) and "checkpoint" in found.why
    # what was not seen by events that are gone since: the worker has rested for longer than they are kept
    await history.db.transact(lambda c: (c.execute(sa.delete(event)), c.execute(sa.delete(checkpoint_head))))
    clock.forward(days=8)
    made = await take_checkpoint(history, clock)
    assert (made["tickets"], made["through"]) != (0, None)


async def test_a_history_without_any_checkpoint_is_told(history: Services, desk: Player, clock: Clock) -> None:
    await history.db.transact(forget_checkpoints)
    clock.forward(hours=4)
    assert isinstance(await verified(history), Verified), "nothing is wrong in itself"
    found = await history.db.snapshot(lambda c: verify_history(c, history.secret, clock()))
    assert isinstance(found, ChainFault) and found.row == "checkpoint 1"
    assert await check_recent_history(history) == found
    await take_checkpoint(history, clock)
    assert await check_recent_history(history) is None


async def test_the_end_of_the_log_that_was_cut_is_found_by_a_look_at_the_last_day(
    history: Services, clock: Clock
) -> None:
    since = clock() - timedelta(days=1)
    cut_log = lambda c: c.execute(sa.delete(security_log))  # noqa: E731
    found = await verified(history, cut_log, since=since)
    assert isinstance(found, ChainFault) and found.row == "security log 1"

    def cut_a_line(c: sa.Connection) -> None:  # of a ticket that has no other line of that day
        c.execute(sa.update(timeline).values(at=clock() - timedelta(days=30)))
        last = c.execute(sa.select(ticket.c.number, ticket.c.entries).order_by(ticket.c.number).limit(1)).one()
        c.execute(sa.delete(timeline).where(timeline.c.number == last.number, timeline.c.seq == last.entries))

    assert isinstance(await verified(history, cut_a_line, since=since), ChainFault)


async def test_a_file_that_was_exchanged_or_renamed_is_found(history: Services, desk: Player, clock: Clock) -> None:
    number = await first_number(history)
    image = b"\x89PNG\r\n\x1a\n" + b"0" * 100
    files = {"file": ("现场.png", image, "image/png")}
    sent = await desk.http.post(f"/v1/tickets/{number}/attachments", files=files)
    assert sent.status_code == 201, sent.text
    file = sent.json()["id"]
    assert isinstance(await verified(history), Verified)
    for change in (
        lambda c: c.execute(sa.update(attachment).values(sha256="0" * 64)),
        lambda c: c.execute(sa.update(attachment).values(name="别的.png")),
    ):
        found = await verified(history, change)
        assert isinstance(found, ChainFault) and found.row == f"attachment {file}"


def forget_ticket(c: sa.Connection, number: str) -> None:
    """Delete a ticket with all its rows: what is left is well in itself."""
    if c.dialect.name == "sqlite":
        c.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    else:
        c.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for table in (timeline, event):
        c.execute(sa.delete(table).where(table.c.number == number))
    c.execute(sa.delete(ticket).where(ticket.c.number == number))


async def test_the_worker_takes_a_checkpoint_each_hour_of_what_changed(
    history: Services, desk: Player, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "elsewhere" / "checkpoints.jsonl"
    history.add(LogDestinations(None, None, path))
    job = next(job for job in audit_jobs(history) if job.name == "checkpoints")
    await job.step()
    clock.forward(minutes=59)
    await desk.call("路灯不亮")
    await job.step()
    clock.forward(minutes=1)
    await job.step()
    stored = sa.select(checkpoint).order_by(checkpoint.c.number)
    rows = await history.db.transact(lambda c: c.execute(stored).mappings().all())
    assert [row["tickets"] for row in rows[2:]] == [1, 1]  # the one reported on; the new one
    # a checkpoint that was made and not kept (the disk was full, the worker was stopped) is kept the next time
    assert path.read_bytes().splitlines() == [checkpoint_line(row) for row in rows]
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(tmp_path / "taken.jsonl")
    path.mkdir()
    clock.forward(hours=1)
    await job.step()
    path.rmdir()
    await job.step()
    assert [json.loads(line)["number"] for line in path.read_bytes().splitlines()] == [5]
