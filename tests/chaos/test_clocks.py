"""Workers killed, frozen and started again while hundreds of clocks are overdue: each step is told exactly once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from hotline.composition import assemble_services
from hotline.database.engine_postgres import Postgres
from hotline.database.engine_sqlite import Sqlite
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.write_request import WriteRequest
from hotline.tickets import tables as ticket_tables
from hotline.tickets.context import Services
from hotline.tickets.intake import take_call
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.sla import store as sla_store
from hotline.tickets.sla.jobs import escalate_due
from hotline.tickets.sla.store import LEASE
from hotline.web.idempotency import RequestKey
from tests import fork_server
from tests.conftest import SEALING, SECRET, seeded
from tests.fork_server import ForkedProcess
from tests.postgres import find_server

KILLS = int(os.environ.get("HOTLINE_CHAOS_KILLS", "2"))
TICKETS = min(500, 25 * KILLS)  # of thirteen steps each: the workers are killed in the middle
WORDS = ["3栋电梯坏了，不动了", "车库路灯不亮了", "停水了", "物业费乱收费，我要投诉", "有点事情想说", "3栋电梯关到人了"]
DESK = Actor(ActorKind.KEY, "desk", "desk", frozenset({Role.OPERATOR}))


@dataclass
class Workers:
    """`hotline work` processes over one database."""

    env: dict[str, str]
    folder: Path
    running: list[ForkedProcess] = field(default_factory=list)

    def start(self) -> ForkedProcess:
        env = {**os.environ, "HOTLINE_LOG_LEVEL": "error", **self.env, "HOTLINE_SHARD": str(len(self.running))}
        with (self.folder / "err").open("ab") as err:
            process = fork_server.start(["work"], env=env, cwd=self.folder, stdin=None, stdout=err, stderr=err)
        self.running.append(process)
        return process

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.running:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, dict[str, str], Any]]:
    """(which, environment, how to open the database)."""
    if request.param == "sqlite":
        data = tmp_path / "data"
        data.mkdir()
        yield (
            "sqlite",
            {"HOTLINE_DATA_DIR": str(data), "HOTLINE_SECRET": SECRET.decode()},
            lambda: Sqlite(data / "hotline.db", sealing=SEALING),
        )
        return
    server = find_server(tmp_path, durable=True)
    if server is None:
        pytest.skip("no PostgreSQL of the system")
    url = server.fresh("clocks")
    yield (
        "postgres",
        {"HOTLINE_DATA_DIR": str(tmp_path / "data"), "HOTLINE_DATABASE_URL": url, "HOTLINE_SECRET": SECRET.decode()},
        lambda: Postgres(url, sealing=SEALING),
    )
    server.stop()


def a_house(db: Any, now: datetime, folder: Path) -> Services:
    return assemble_services(db, lambda: now, SECRET, folder)


async def taken_in(db: Any, then: datetime, folder: Path) -> None:
    """Hundreds of calls of five weeks ago that nobody did anything about."""
    services = a_house(db, then, folder)
    services.journal.start()
    for first in range(0, TICKETS, 50):
        await asyncio.gather(
            *(
                take_call(
                    services,
                    IntakeRequest(Channel.PHONE, WORDS[n % len(WORDS)]),
                    WriteRequest(DESK, RequestKey("t", f"k{n}", "f"), then),
                    lambda *_: "",
                )
                for n in range(first, first + 50)
            )
        )
    await services.journal.drain()


async def steps(db: Any) -> Counter[tuple[str, int]]:
    rows = await db.transact(
        lambda c: c.execute(sa.select(ticket_tables.escalation.c.clock, ticket_tables.escalation.c.level)).all()
    )
    return Counter((r.clock, r.level) for r in rows)


async def test_each_step_fires_once_whatever_happens_to_the_workers(place: Any, tmp_path: Path) -> None:
    which, env, opened = place
    db = opened()
    await db.open()
    await seeded(db)
    now = datetime.now(UTC)
    await taken_in(db, now - timedelta(days=35), tmp_path)
    expected = await undisturbed(db, which, opened, now, tmp_path)
    assert len(expected) > 3 * TICKETS
    workers, chance = Workers(env, tmp_path), random.Random(24365)
    first = workers.start()
    second = workers.start() if which == "postgres" else first
    kills, midway, begun, frozen = 0, 0, time.monotonic(), which == "sqlite"
    try:
        while (told := await steps(db)) != expected or kills < KILLS or not frozen:
            assert time.monotonic() - begun < 150, f"{len(told)} of {len(expected)} told"
            await asyncio.sleep(chance.uniform(0.3, 0.9))
            if kills < KILLS and told:
                (first if which == "sqlite" else second).kill()
                (first if which == "sqlite" else second).wait()
                kills, midway = kills + 1, midway + (told != expected)
                if which == "sqlite":
                    first = workers.start()
                else:
                    second = workers.start()
            # one sleeps past its lease in the middle of its work, and goes on as if nothing was
            elif not frozen and told:
                first.send_signal(signal.SIGSTOP)
                await asyncio.sleep(LEASE.total_seconds() + 2)
                first.send_signal(signal.SIGCONT)
                frozen = True
        await asyncio.sleep(1)
        assert await steps(db) == expected and max(expected.values()) == 1
        assert midway, "every worker was killed when nothing was left to do"
    finally:
        workers.end()
    await everything_agrees(db, now)
    await db.close()
    print(
        f"clocks on {which}: {kills} kills, {midway} midway, {len(expected)} steps, 0 missing, 0 twice", file=sys.stderr
    )


async def undisturbed(db: Any, which: str, opened: Any, now: datetime, folder: Path) -> Counter[tuple[str, int]]:
    """What one worker nobody disturbs would tell: on a copy."""
    if which == "sqlite":
        # never by opening the file: closing it again would drop this process's locks on it
        await db.run_on_writer(lambda line: line.execute("VACUUM INTO ?", (str(folder / "copy.db"),)))
        copy: Any = Sqlite(folder / "copy.db", sealing=SEALING)
    else:
        url = db.url.set(drivername="postgresql")
        await db.close()
        copy = Postgres(await copied(url), sealing=SEALING)
        await db.open()
    services = a_house(copy, now, folder)
    services.journal.start()
    for _ in range(20):
        while (await escalate_due(services, now)).claimed:
            pass
        if await copy.transact(lambda c: put_off(c, now)) == 0:
            break
    found = await steps(copy)
    await services.journal.drain()
    await copy.close()
    return found


def put_off(c: sa.Connection, now: datetime) -> int:
    """What is due still, because its ticket could not be written at that moment, is free again; how many."""
    clock = ticket_tables.clock
    due = sa.and_(clock.c.next_at.is_not(None), clock.c.next_at <= now)
    return c.execute(sa.update(clock).where(due).values(lease_until=None, lease_token=None)).rowcount


async def copied(url: sa.URL) -> str:
    """The database copied, while nobody is connected to it."""
    line = await asyncpg.connect(
        host=url.query.get("host") or url.host, port=url.port, user=url.username, database="postgres"
    )
    await line.execute(f'CREATE DATABASE "{url.database}_copy" TEMPLATE "{url.database}"')
    await line.close()
    return url.set(database=f"{url.database}_copy").render_as_string(hide_password=False)


async def everything_agrees(db: Any, now: datetime) -> None:
    """Timelines are whole, and hold one entry for each step; nothing is left that nobody was told of."""

    def look(c: sa.Connection) -> tuple[Any, Any, Any]:
        line, ticket, rung = ticket_tables.timeline, ticket_tables.ticket, ticket_tables.escalation
        broken = c.execute(
            sa.select(ticket.c.number).where(
                ticket.c.entries
                != sa.select(sa.func.count())
                .select_from(line)
                .where(line.c.number == ticket.c.number)
                .scalar_subquery()
            )
        ).all()
        by_clock = c.execute(sa.select(sa.func.count()).select_from(line).where(line.c.by_kind == "clock")).scalar_one()
        rungs = c.execute(sa.select(sa.func.count()).select_from(rung)).scalar_one()
        return broken, by_clock, rungs

    broken, by_clock, rungs = await db.transact(look)
    assert broken == [] and by_clock == rungs
    assert (
        await sla_store.load_overdue_steps(db, now) == (0, None)
        and not await sla_store.load_stuck_clocks(db)
        and not await sla_store.load_tickets_without_clock(db, 5)
    )
