"""What PostgreSQL says about a session, not only about a statement: the session is not used again, and callers are told
503, never 500."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from hotline.database.engine import CommitUnknown, DatabaseFull, DatabaseUnavailable
from hotline.database.engine_postgres import Postgres
from hotline.database.journal import Journal
from hotline.database.prepared import PreparedQuery
from hotline.refusals import Refused
from tests.conftest import SEALING, Clock, emptied
from tests.database.test_journal import new

_ONE = PreparedQuery(sa.select(sa.literal(1).label("n")))
# SQLSTATEs of the session or the server, by class; what the server makes of them here is an ERROR of that code
OF_THE_SESSION = [
    "08006",
    "25006",
    "26000",
    "28000",
    "3D000",
    "57P01",
    "57P02",
    "57P03",
    "57P04",
    "58030",
    "XX000",
    "XX001",
]
BUSY = ["40001", "40P01", "53000", "53200", "53300", "53400", "55P03", "57014"]


@pytest.fixture
async def pg(postgres_url: str | None) -> AsyncIterator[Postgres]:
    if postgres_url is None:
        pytest.skip("no PostgreSQL on this machine")
    db = Postgres(postgres_url, size=3, sealing=SEALING)
    await emptied(db)
    yield db
    await db.close()


def raising(state: str) -> PreparedQuery:
    return PreparedQuery(sa.select(sa.literal_column(f"hotline_raise('{state}')").label("n")))


@pytest.fixture
async def raises(pg: Postgres) -> AsyncIterator[None]:
    """A function that raises the SQLSTATE it is given."""
    body = "BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = state; END"
    made = f"CREATE OR REPLACE FUNCTION hotline_raise(state text) RETURNS int LANGUAGE plpgsql AS $${body}$$"
    await pg.transact(lambda c: c.exec_driver_sql(made))
    yield
    await pg.transact(lambda c: c.exec_driver_sql("DROP FUNCTION hotline_raise(text)"))


async def pid(db: Postgres) -> int:
    return int((await db.rows(_PID))[0].n)


_PID = PreparedQuery(sa.select(sa.literal_column("pg_backend_pid()").label("n")))


def transacting_pid(c: sa.Connection) -> int:
    return int(c.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


@pytest.mark.parametrize("state", OF_THE_SESSION)
async def test_a_session_that_is_of_no_more_use_is_left(pg: Postgres, raises: None, state: str) -> None:
    asked, wrote = await pid(pg), await pg.transact(transacting_pid)
    with pytest.raises(DatabaseUnavailable):
        await pg.rows(raising(state))
    with pytest.raises(DatabaseUnavailable):
        await pg.transact(lambda c: c.exec_driver_sql(f"SELECT hotline_raise('{state}')"))
    assert await pid(pg) != asked
    assert await pg.transact(transacting_pid) != wrote


@pytest.mark.parametrize("state", BUSY)
async def test_a_busy_server_is_reported_as_busy_and_its_session_stays(pg: Postgres, raises: None, state: str) -> None:
    asked, wrote = await pid(pg), await pg.transact(transacting_pid)
    with pytest.raises(DatabaseUnavailable, match="busy"):
        await pg.rows(raising(state))
    with pytest.raises(DatabaseUnavailable, match="busy"):
        await pg.transact(lambda c: c.exec_driver_sql(f"SELECT hotline_raise('{state}')"))
    assert (await pid(pg), await pg.transact(transacting_pid)) == (asked, wrote)


async def test_a_full_disk_is_full_and_a_fault_of_ours_stays_one(pg: Postgres, raises: None) -> None:
    with pytest.raises(DatabaseFull):
        await pg.rows(raising("53100"))
    with pytest.raises(DatabaseFull):
        await pg.transact(lambda c: c.exec_driver_sql("SELECT hotline_raise('53100')"))
    asked = await pid(pg)
    with pytest.raises(Exception, match="as asked") as fault:
        await pg.rows(raising("22012"))
    assert not isinstance(fault.value, Refused)
    assert await pid(pg) == asked


async def test_sessions_ended_from_outside_cost_one_refusal_each_at_most_and_never_a_fault(pg: Postgres) -> None:
    """As a failover does it, under load."""
    journal = Journal(pg)
    journal.start()
    other = Postgres(pg.url.render_as_string(hide_password=False), size=1, sealing=SEALING)
    said: list[object] = []
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    async def ask(n: int) -> None:
        for k in range(20):
            for work in (
                lambda: pg.rows(_ONE),
                lambda: pg.transact(transacting_pid),
                lambda k=k: journal.commit(new(n * 100 + k)),
            ):
                try:
                    await work()
                except Exception as fault:
                    said.append(fault)

    async def fail_over() -> None:
        for _ in range(8):
            await other.transact(lambda c: c.exec_driver_sql(end))
            await asyncio.sleep(0)

    await asyncio.gather(ask(1), ask(2), ask(3), fail_over())
    assert [f for f in said if not isinstance(f, DatabaseUnavailable | CommitUnknown)] == []
    await pg.rows(_ONE)
    await pg.transact(transacting_pid)
    await journal.drain()
    await other.close()


async def test_a_server_that_has_become_read_only_is_away_and_left(pg: Postgres) -> None:
    name = pg.url.database
    journal = Journal(pg)
    journal.start()
    other = Postgres(pg.url.render_as_string(hide_password=False), size=1, sealing=SEALING)
    before = await pid(pg)
    await pg.transact(transacting_pid)
    try:
        connection = pg._idle[0]
        await connection.execute("SET default_transaction_read_only = on")  # as a demoted server has it
        with pytest.raises(DatabaseUnavailable):
            await journal.commit(new(1))
        await other.transact(
            lambda c: c.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        )
        with pytest.raises(DatabaseUnavailable):  # only a server that takes no writes answers
            await pg.rows(_ONE)
    finally:
        await other.transact(
            lambda c: (
                c.exec_driver_sql("SET TRANSACTION READ WRITE"),
                c.exec_driver_sql(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'),
            )
        )
    assert await pid(pg) != before
    await journal.commit(new(2))
    await journal.drain()
    await other.close()


async def test_a_session_left_in_a_transaction_or_in_the_middle_of_a_question_is_not_used_again(pg: Postgres) -> None:
    first = await pid(pg)
    await pg._idle[0].execute("BEGIN")
    await pg.rows(_ONE)
    assert pg._idle == []
    second = await pid(pg)
    assert second != first
    sleeping = asyncio.create_task(pg.rows(PreparedQuery(sa.select(sa.literal_column("pg_sleep(5)::text").label("n")))))
    while pg._room._value != 2:
        await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await pid(pg) != second


_WAIT = PreparedQuery(sa.select(sa.cast(sa.func.pg_advisory_lock_shared(41), sa.String).label("n")))
_WAIT_SQL = "SELECT pg_advisory_lock_shared(41)"
_WAITING = PreparedQuery(
    sa.select(sa.column("pid")).select_from(sa.text("pg_locks")).where(sa.text("locktype = 'advisory' AND NOT granted"))
)
_ALIVE = PreparedQuery(
    sa.select(sa.func.count().label("n")).select_from(sa.text("pg_stat_activity")).where(
        sa.literal_column("pid") == sa.any_(sa.bindparam("pids", type_=sa.ARRAY(sa.Integer)))
    )
)  # fmt: skip


@pytest.fixture
async def lock(pg: Postgres, postgres_url: str | None) -> Any:
    """A session that holds what `_WAIT` waits for, until it is closed."""
    holder = await asyncpg.connect(str(postgres_url))
    await holder.execute("SELECT pg_advisory_lock(41)")
    yield holder
    await holder.close()


async def test_what_is_under_way_while_the_engine_closes_leaves_no_session(
    pg: Postgres, postgres_url: str | None, lock: Any
) -> None:
    leaving = Postgres(str(postgres_url), size=3, sealing=SEALING)
    asking = asyncio.create_task(leaving.rows(_WAIT))
    writing = asyncio.create_task(leaving.transact(lambda c: c.exec_driver_sql(_WAIT_SQL).all()))
    while len(waiting := await pg.rows(_WAITING)) < 2:
        await asyncio.sleep(0.01)
    await leaving.close()
    await lock.close()
    assert len(await asking) == len(await writing) == 1
    assert await all_ended(pg, [row.pid for row in waiting])


async def test_a_transaction_under_way_while_its_sister_is_lost_leaves_no_session(
    pg: Postgres, postgres_url: str | None, lock: Any
) -> None:
    failing = Postgres(str(postgres_url), size=3, sealing=SEALING)
    writing = asyncio.create_task(failing.transact(lambda c: c.exec_driver_sql(_WAIT_SQL).all()))
    while not (waiting := await pg.rows(_WAITING)):
        await asyncio.sleep(0.01)
    with pytest.raises(Refused):
        await failing.transact(lambda c: c.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())"))
    await lock.close()
    assert len(await writing) == 1
    assert await all_ended(pg, [row.pid for row in waiting])
    await failing.close()


async def all_ended(pg: Postgres, pids: list[int]) -> bool:
    """A session ends a moment after its connection."""
    for _ in range(500):
        if (await pg.rows(_ALIVE, pids=pids))[0].n == 0:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_changed_schema_costs_nobody_a_fault(pg: Postgres) -> None:
    other = Postgres(pg.url.render_as_string(hide_password=False), size=1, sealing=SEALING)
    star = PreparedQuery(sa.select(sa.literal_column("a").label("a")).select_from(sa.text("hotline_shape")))
    await pg.transact(lambda c: c.exec_driver_sql("CREATE TABLE hotline_shape (a int)"))
    try:
        await pg.transact(lambda c: c.execute(sa.text("SELECT * FROM hotline_shape")).all())
        await pg.rows(star)
        await other.transact(lambda c: c.exec_driver_sql("ALTER TABLE hotline_shape ALTER a TYPE text"))
        for work in (
            lambda: pg.transact(lambda c: c.execute(sa.text("SELECT * FROM hotline_shape")).all()),
            lambda: pg.rows(star),
        ):
            with contextlib.suppress(DatabaseUnavailable):
                await work()
            await work()
    finally:
        await other.transact(lambda c: c.exec_driver_sql("DROP TABLE hotline_shape"))
        await other.close()


async def test_too_many_connections_is_away(pg: Postgres, clock: Clock) -> None:
    name = pg.url.database
    await pg.transact(lambda c: c.exec_driver_sql("CREATE ROLE hotline_small LOGIN CONNECTION LIMIT 0"))
    try:
        small = Postgres(pg.url.set(username="hotline_small").render_as_string(hide_password=False), sealing=SEALING)
        for work in (lambda: small.rows(_ONE), lambda: small.transact(transacting_pid)):
            with pytest.raises(DatabaseUnavailable):
                await work()
        await small.close()
    finally:
        await pg.transact(lambda c: c.exec_driver_sql("DROP ROLE hotline_small"))
    missing = Postgres(pg.url.set(database=f"{name}_missing").render_as_string(hide_password=False), sealing=SEALING)
    with pytest.raises(DatabaseUnavailable):
        await missing.rows(_ONE)
    await missing.close()
