"""PostgreSQL: a small pool of asyncpg connections for queries and the journal, SQLAlchemy for the rare
transactions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hotline.database.batch_postgres import STORED_ANSWERS_SQL, as_json, build_batch_statement
from hotline.database.columns import sealing_of, use_sealing
from hotline.database.connection_wait import connection_wait, is_job
from hotline.database.engine import (
    Committed,
    CommitUnknown,
    DatabaseFull,
    DatabaseUnavailable,
    IntegrityFault,
    Outcome,
    Replayed,
    Stale,
    note_commit,
)
from hotline.database.postgres_tls import WIRE_SQL, leaves_the_machine, tls_options, without_tls_options
from hotline.database.prepared import BatchQuery, PreparedQuery, Row
from hotline.database.sealing import Sealing
from hotline.database.tables import ANSWER_CONTEXT
from hotline.database.write_plan import StoredAnswer, WritePlan, indexed_characters

R = TypeVar("R")
MAX_CHARACTERS_ON_LOOP = (
    10_000  # characters for the search index, a batch of ordinary calls; more is read beside the loop
)
CONNECT_TIMEOUT, COMMAND_TIMEOUT = 3.0, 6.0
TRANSACTIONS = 4  # at once, by SQLAlchemy; of them all but one by jobs, so that a request never waits for jobs alone
SETTINGS = {
    "application_name": "hotline",
    "statement_timeout": "5000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
    "jit": "off",
    "timezone": "UTC",
}
# what a transaction opened, until its connection is set up
_OPENED: ContextVar[list["asyncpg.Connection[Any]"] | None] = ContextVar("opened", default=None)
_BUSY = ("40", "53", "55", "57014")  # SQLSTATEs of a server that is busy: another try may succeed
# and of one that is of no more use to this session: lost, read only after a failover, shutting down, damaged
_UNUSABLE = ("08", "25", "26", "28", "3D", "57", "58", "F0", "XX")
_CLIENT = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, EOFError, TimeoutError)


class Postgres:
    """`url` is an SQLAlchemy URL (postgresql://user:pass@host/db?…); `size` connections at most for queries and
    journal."""

    batchers = 1
    has_single_writer = False

    def __init__(
        self,
        url: str,
        size: int = 12,
        shard: int = 0,
        clock: Callable[[], datetime] | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        self.sealing = sealing
        self.clock = clock  # for tests: a database whose clock can be moved
        given = sa.make_url(url)
        self.url = without_tls_options(given).set(drivername="postgresql+asyncpg")
        self._tls = tls_options(given)
        self.dialect: sa.Dialect = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
        use_sealing(self.dialect, sealing)
        self.shard = shard
        self._idle: list[asyncpg.Connection[Any]] = []  # last in, first out: the warmest is taken
        self._room = asyncio.Semaphore(size)
        self._transactions = asyncio.Semaphore(TRANSACTIONS)
        self._job_transactions = asyncio.Semaphore(TRANSACTIONS - 1)
        self._turn = 0
        self.round_trips = 0  # round trips so far, for tests and the benchmark
        self._engine: AsyncEngine | None = None
        self._closed = False

    async def open(self) -> None:
        self._closed = False
        async with self._connection():
            pass

    async def close(self) -> None:
        self._closed = True
        for connection in self._idle:
            try:
                await connection.close(timeout=2)
            except (*_CLIENT, asyncpg.PostgresError):
                connection.terminate()
        self._idle.clear()
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def rows(self, query: PreparedQuery, /, **values: Any) -> list[Row]:
        prepared = query.compile_for(self.dialect)
        async with self._connection() as connection:
            self.round_trips += 1
            found = await connection.fetch(prepared.text, *prepared.values(values))
        return [prepared.row(r) for r in found]

    async def rows_of_each(
        self, query: BatchQuery, requests: Sequence[Mapping[str, Any]], /, **shared: Any
    ) -> list[list[Row]]:
        if len(requests) == 1:
            return [await self.rows(query.single, **requests[0], **shared)]
        found: list[list[Row]] = [[] for _ in requests]
        own = {name: [request[name] for request in requests] for name in query.own_names}
        for row in await self.rows(query.joined, **own, **shared):
            found[row[-1] - 1].append(row)
        return found

    async def row_dicts(self, query: PreparedQuery, /, **values: Any) -> list[dict[str, Any]]:
        prepared = query.compile_for(self.dialect)
        async with self._connection() as connection:
            self.round_trips += 1
            found = await connection.fetch(prepared.text, *prepared.values(values))
        return [prepared.as_dict(r) for r in found]

    async def snapshot(self, work: Callable[[sa.Connection], R]) -> R:
        def work_read_only(connection: sa.Connection) -> R:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            return work(connection)

        return await self._transact_on_own_connection(work_read_only, commits=False)

    async def transact(self, work: Callable[[sa.Connection], R]) -> R:
        if self._engine is None:
            self._engine = self._make_engine(
                COMMAND_TIMEOUT, pool_size=2, max_overflow=TRANSACTIONS - 2, pool_recycle=300
            )
        if not is_job():
            async with _slot(self._transactions):
                return await self._transact(self._engine, work)
        async with _slot(self._job_transactions), _slot(self._transactions):
            return await self._transact(self._engine, work)

    async def _transact_on_own_connection(self, work: Callable[[sa.Connection], R], *, commits: bool = True) -> R:
        """One transaction on a connection of its own, without a limit on how long a statement may take."""
        engine = self._make_engine(None, poolclass=sa.pool.NullPool)
        try:
            return await self._transact(engine, work, commits=commits)
        finally:
            await engine.dispose()

    def _make_engine(self, command_timeout: float | None, **pool: Any) -> AsyncEngine:
        engine = create_async_engine(
            self.url,
            **pool,
            hide_parameters=True,  # a fault is logged; what residents wrote is not
            json_serializer=lambda v: orjson.dumps(v).decode(),
            json_deserializer=orjson.loads,
            execution_options={"clock": self.clock},
            connect_args={
                "target_session_attrs": "read-write",
                "ssl": self._tls,
                "timeout": CONNECT_TIMEOUT,
                "command_timeout": command_timeout,
                "server_settings": SETTINGS,
                "async_creator_fn": _connect_for_pool,
            },
        )
        use_sealing(engine.sync_engine.dialect, self.sealing)
        return engine

    async def _transact(self, engine: AsyncEngine, work: Callable[[sa.Connection], R], *, commits: bool = True) -> R:
        """`commits` False: roll back at the end. Until COMMIT is sent, a lost connection means that nothing was
        written; after that the outcome is unknown."""
        connection: AsyncConnection | None = None
        driver: Any = None
        committing = False
        pool = engine.pool
        opened: list[asyncpg.Connection[Any]] = []
        before = _OPENED.set(opened)
        try:
            connection = await engine.connect()
            driver = (await connection.get_raw_connection()).driver_connection
            done = await connection.run_sync(work)
            if not commits:
                await connection.rollback()
                return done
            committing = not driver.is_closed()
            await connection.commit()
        except BaseException as fault:
            cause = _cause(fault)
            lost = _ends_sessions(cause)
            if connection is None:
                for unfinished in opened:
                    unfinished.terminate()
            if driver is not None and connection is not None and (lost or not isinstance(cause, Exception)):
                driver.terminate()
                await connection.invalidate()
            if lost:
                await engine.dispose()  # what ended one connection has mostly ended its sisters
            translated = _translate_fault(cause, sent=committing)
            if translated is cause or isinstance(translated, IntegrityFault):
                raise
            raise translated from fault
        finally:
            _OPENED.reset(before)  # a task that goes on keeps no connection by it
            if connection is not None:
                await asyncio.shield(connection.close())
            if driver is not None and not driver.is_closed() and (self._closed or engine.pool is not pool):
                driver.terminate()  # its pool was given up meanwhile
        note_commit()
        return done

    async def write(self, plans: Sequence[WritePlan]) -> list[Outcome]:
        self._turn = (self._turn + 1) % self.batchers
        shard = self.shard * self.batchers + self._turn
        sealing = sealing_of(self.dialect)
        if indexed_characters(plans) <= MAX_CHARACTERS_ON_LOOP:
            text, values = build_batch_statement(plans, shard, sealing)
        else:
            text, values = await asyncio.to_thread(build_batch_statement, plans, shard, sealing)
        answers = [plan.answer for plan in plans]
        async with self._connection(writing=True) as connection:
            found = {r["n"]: r["kept"] for r in await self._fetch_with_retry(connection, text, values)}
            missing = [a for n, a in enumerate(answers) if n not in found]
            earlier: dict[tuple[str, str], StoredAnswer] = {}
            if missing:  # keys used before: return the stored answers
                self.round_trips += 1
                keys = as_json([{"owner": a.owner, "key": a.key} for a in missing])
                earlier = {
                    (r["owner"], r["key"]): StoredAnswer(**{**r, "body": sealing.unseal(ANSWER_CONTEXT, r["body"])})
                    for r in await connection.fetch(STORED_ANSWERS_SQL, keys)
                }
        outcomes: list[Outcome] = []
        for n, answer in enumerate(answers):
            if n in found:
                outcomes.append(Committed(answer) if found[n] else Stale())
            else:
                outcomes.append(Replayed(earlier[(answer.owner, answer.key)]))
        return outcomes

    async def _fetch_with_retry(self, connection: "asyncpg.Connection[Any]", text: str, values: list[Any]) -> list[Any]:
        """Run the batch; a deadlock or a serialization failure took all of it back, so it may be run again."""
        for _ in range(2):
            try:
                self.round_trips += 1
                return list(await connection.fetch(text, *values))
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                continue
        self.round_trips += 1
        return list(await connection.fetch(text, *values))

    async def migrate(self, work: Callable[[sa.Connection], R]) -> R:
        """Like `transact`, for schema changes."""
        return await self._transact_on_own_connection(work)

    async def reserve(self, name: str, count: int, first: int) -> int:
        async with self._connection() as connection:  # numbers taken and never given out do no harm: nothing is unsure
            self.round_trips += 1
            return int(await connection.fetchval(_RESERVE, name, count, first))

    async def time(self) -> datetime:
        if self.clock is not None:
            return self.clock()
        async with self._connection() as connection:
            self.round_trips += 1
            moment: datetime = await connection.fetchval("SELECT clock_timestamp()")
            return moment

    async def durability(self) -> list[tuple[str, str, bool]]:
        async with self._connection() as connection:
            self.round_trips += 1
            names = ("fsync", "full_page_writes", "synchronous_commit")
            found = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])", names)
        return [(r["name"], r["setting"], r["setting"] != "off") for r in found]

    async def plain_wire(self) -> str | None:
        async with self._connection() as connection:
            self.round_trips += 1
            wire = await connection.fetchrow(WIRE_SQL)
        return wire["address"] if leaves_the_machine(wire["address"]) and not wire["encrypted"] else None

    @asynccontextmanager
    async def _connection(self, *, writing: bool = False) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """A connection for a moment. It goes back into the pool only where nothing is wrong with its session; what
        failed becomes an error of ours. `writing`: it runs one statement that commits by itself."""
        async with _slot(self._room):
            connection: asyncpg.Connection[Any] | None = None
            try:
                connection = await self._take_connection()
                yield connection
            except BaseException as fault:
                if connection is not None and not _is_usable(fault):
                    connection.terminate()
                if _ends_sessions(fault):
                    self._drop_idle()
                translated = _translate_fault(fault, sent=writing and connection is not None)
                if translated is fault:
                    raise
                raise translated from fault
            finally:
                if connection is not None and not connection.is_closed():
                    if connection.is_in_transaction() or self._closed:
                        connection.terminate()
                    else:
                        self._idle.append(connection)

    async def _take_connection(self) -> "asyncpg.Connection[Any]":
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        url = self.url
        return await asyncpg.connect(
            host=url.query.get("host") or url.host,
            port=url.port or 5432,
            user=url.username,
            password=url.password,
            database=url.database,
            ssl=self._tls,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,  # covers a cut wire too: an error after 6 s, not a hanging caller
            server_settings=SETTINGS,
            target_session_attrs="read-write",  # never a standby that a failover left behind
            statement_cache_size=200,
            max_cacheable_statement_size=0,
        )

    def _drop_idle(self) -> None:
        for connection in self._idle:  # what ended one connection has mostly ended its sisters
            connection.terminate()
        self._idle.clear()


@asynccontextmanager
async def _slot(slots: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of a number of connections, for as long as it is needed. Raises DatabaseUnavailable where none came free."""
    if slots.locked():
        try:
            await asyncio.wait_for(slots.acquire(), connection_wait())
        except TimeoutError:
            raise DatabaseUnavailable("all database connections are busy") from None
    else:
        await slots.acquire()  # at once: no timer is needed
    try:
        yield
    finally:
        slots.release()


async def _connect_for_pool(*args: Any, **options: Any) -> "asyncpg.Connection[Any]":
    """A connection for a pool of SQLAlchemy, which forgets one whose set-up fails or is given up."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(*args, **options)
    opened = _OPENED.get()
    if opened is not None:
        opened.append(connection)
    return connection


def _cause(fault: BaseException) -> BaseException:
    """The driver's own exception behind one of SQLAlchemy's."""
    if isinstance(fault, sa.exc.DBAPIError) and fault.orig is not None:
        return fault.orig.__cause__ or fault.orig
    return fault


def _server_error_state(fault: BaseException) -> str | None:
    """The SQLSTATE, where the server refused a statement, took it back and waits for the next one. FATAL and PANIC end
    the session: whether what was sent is kept, they do not say."""
    if not isinstance(fault, asyncpg.PostgresError):
        return None
    severity = getattr(fault, "severity_en", None) or getattr(fault, "severity", None)
    return str(fault.sqlstate) if severity == "ERROR" and fault.sqlstate != "40003" else None


def _is_usable(fault: BaseException) -> bool:
    """Whether the session that met this can be used again."""
    if _is_never_sent(fault):
        return True
    state = _server_error_state(fault)
    return state is not None and (state == "57014" or not state.startswith(_UNUSABLE))


def _ends_sessions(fault: BaseException) -> bool:
    """Whether the other idle connections are likely to be of no more use either."""
    return isinstance(fault, (asyncpg.PostgresError, *_CLIENT)) and not _is_usable(fault)


def _is_never_sent(fault: BaseException) -> bool:
    """A value that the driver could not write, or a setting it does not know."""
    return isinstance(fault, asyncpg.InterfaceError) and isinstance(fault, ValueError)


def _translate_fault(fault: BaseException, *, sent: bool) -> BaseException:
    """The same in the words of `db.database`; the fault itself where it is one of the statement or of the code. `sent`:
    what was to be committed had been sent."""
    state = _server_error_state(fault)
    if state is not None:
        if state == "53100":
            return DatabaseFull()
        if state.startswith("23"):
            return IntegrityFault(type(fault).__name__)
        if state.startswith(_BUSY):
            return DatabaseUnavailable("the database is busy")
        if state.startswith(_UNUSABLE) or isinstance(fault, asyncpg.InvalidCachedStatementError):
            return DatabaseUnavailable("the database does not answer")
        return fault
    if isinstance(fault, sa.exc.TimeoutError):
        return DatabaseUnavailable("all database connections are busy")
    if isinstance(fault, (asyncpg.PostgresError, *_CLIENT)) and not _is_never_sent(fault):
        return CommitUnknown() if sent else DatabaseUnavailable("the database does not answer")
    return fault


_RESERVE = """INSERT INTO sequence (name, next) VALUES ($1, $3::bigint + $2::bigint)
ON CONFLICT (name) DO UPDATE SET next = sequence.next + $2::bigint RETURNING next - $2::bigint"""
