"""SQLite: one writer on its own thread (BEGIN IMMEDIATE, WAL, synchronous=FULL), a few readers on theirs.

Readers never wait for the writer, and a writing transaction never has to upgrade a lock it took for reading.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.pool import StaticPool

from hotline.database.batch_sqlite import write_batch
from hotline.database.columns import sealing_of, use_sealing
from hotline.database.engine import (
    CommitUnknown,
    DatabaseFull,
    DatabaseUnavailable,
    IntegrityFault,
    Outcome,
    note_commit,
)
from hotline.database.prepared import BatchQuery, CompiledQuery, PreparedQuery, Row
from hotline.database.sealing import Sealing
from hotline.database.write_plan import WritePlan

R = TypeVar("R")
BUSY_MS = 5000


class Sqlite:
    """`path` is the database file; this process must be the only one that writes much. `sealing`:
    without it, personal data can be neither written nor read."""

    batchers = 1
    has_single_writer = True

    def __init__(
        self,
        path: Path,
        readers: int = 2,
        busy_ms: int = BUSY_MS,
        clock: Callable[[], datetime] | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        self.sealing = sealing
        self.clock = clock  # for tests: a database whose clock can be moved
        self.path, self.busy_ms = path, busy_ms
        self.dialect: sa.Dialect = pysqlite.dialect()
        use_sealing(self.dialect, sealing)
        self.round_trips = 0
        self._writer = ThreadPoolExecutor(1, "hotline-writer")
        self._readers = ThreadPoolExecutor(readers, "hotline-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._writing_connection: sqlite3.Connection | None = None
        self._engine: sa.Engine | None = None

    async def open(self) -> None:
        await self.run_on_writer(lambda connection: None)

    async def close(self) -> None:
        def shut() -> None:
            if self._engine is not None:
                self._engine.dispose()
            for connection in self._opened:
                connection.close()
            self._opened.clear()

        await asyncio.get_running_loop().run_in_executor(self._writer, shut)
        self._writer.shutdown()
        self._readers.shutdown()

    async def rows(self, query: PreparedQuery, /, **values: Any) -> list[Row]:
        prepared = query.compile_for(self.dialect)
        (found,) = await self._read(prepared, [values])
        return [prepared.row(r) for r in found]

    async def rows_of_each(
        self, query: BatchQuery, requests: Sequence[Mapping[str, Any]], /, **shared: Any
    ) -> list[list[Row]]:
        prepared = query.single.compile_for(self.dialect)
        found = await self._read(prepared, [{**own, **shared} for own in requests])
        return [[prepared.row(r) for r in rows] for rows in found]

    async def row_dicts(self, query: PreparedQuery, /, **values: Any) -> list[dict[str, Any]]:
        prepared = query.compile_for(self.dialect)
        (found,) = await self._read(prepared, [values])
        return [prepared.as_dict(r) for r in found]

    async def _read(self, prepared: CompiledQuery, requests: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        """The rows for the values of each request: one change to the reading thread, whose cost is most of a read."""
        parameters = [prepared.values(values) for values in requests]

        def ask() -> list[list[Any]]:
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = self._connect(reading=True)
            return [connection.execute(prepared.text, each).fetchall() for each in parameters]

        self.round_trips += 1
        return await self._guarded(self._readers, ask)

    async def transact(self, work: Callable[[sa.Connection], R]) -> R:
        def run(raw_connection: sqlite3.Connection) -> R:
            if self._engine is None:
                self._engine = sa.create_engine(
                    "sqlite://",
                    creator=lambda: raw_connection,
                    poolclass=StaticPool,
                    hide_parameters=True,  # a fault is logged; what residents wrote is not
                    execution_options={"clock": self.clock},
                    json_serializer=lambda v: orjson.dumps(v).decode(),
                    json_deserializer=orjson.loads,
                )
                sa.event.listen(self._engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
                use_sealing(self._engine.dialect, self.sealing)
            with self._engine.connect() as connection:
                transaction = connection.begin()
                try:
                    done = work(connection)
                except BaseException:
                    transaction.rollback()
                    raise
                _commit(transaction.commit)
                return done

        done = await self.run_on_writer(run)
        note_commit()
        return done

    async def snapshot(self, work: Callable[[sa.Connection], R]) -> R:
        def run() -> R:
            raw_connection = self._connect(reading=True)
            engine = sa.create_engine(
                "sqlite://",
                creator=lambda: raw_connection,
                poolclass=StaticPool,
                json_serializer=lambda v: orjson.dumps(v).decode(),
                json_deserializer=orjson.loads,
                hide_parameters=True,
            )
            sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN"))  # a reader's: it waits for no lock
            use_sealing(engine.dialect, self.sealing)
            try:
                with engine.begin() as connection:
                    return work(connection)
            finally:
                engine.dispose()
                self._opened.remove(raw_connection)
                raw_connection.close()

        with ThreadPoolExecutor(1, "hotline-snapshot") as alone:
            return await self._guarded(alone, run)

    async def migrate(self, work: Callable[[sa.Connection], R]) -> R:
        """Like `transact`, with foreign keys off: a batch migration rebuilds tables, and a cascade would empty their
        children."""
        await self.run_on_writer(lambda connection: connection.execute("PRAGMA foreign_keys = OFF"))
        try:
            done = await self.transact(work)
            if broken := await self.run_on_writer(
                lambda connection: connection.execute("PRAGMA foreign_key_check").fetchall()
            ):
                raise RuntimeError(f"the migration left rows without their parent: {broken[:3]}")
            return done
        finally:
            await self.run_on_writer(lambda connection: connection.execute("PRAGMA foreign_keys = ON"))

    async def write(self, plans: Sequence[WritePlan]) -> list[Outcome]:
        self.round_trips += 1
        sealing = sealing_of(self.dialect)
        try:
            return await self.run_on_writer(lambda connection: _write_in_transaction(connection, plans, sealing))
        except sqlite3.IntegrityError as fault:
            raise IntegrityFault(type(fault).__name__) from fault

    async def reserve(self, name: str, count: int, first: int) -> int:
        def take(connection: sqlite3.Connection) -> int:
            reserved = connection.execute(_RESERVE, {"name": name, "count": count, "first": first}).fetchone()
            return int(reserved[0])

        self.round_trips += 1
        return await self.run_on_writer(take)

    async def time(self) -> datetime:
        if self.clock is not None:
            return self.clock()

        def ask(connection: sqlite3.Connection) -> str:
            return str(connection.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')").fetchone()[0])

        return datetime.fromisoformat(await self.run_on_writer(ask))

    async def durability(self) -> list[tuple[str, str, bool]]:
        def ask(connection: sqlite3.Connection) -> list[tuple[str, str, bool]]:
            mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
            level = int(connection.execute("PRAGMA synchronous").fetchone()[0])
            return [("journal_mode", mode, mode == "wal"), ("synchronous", str(level), level >= 2)]

        return await self.run_on_writer(ask)

    async def plain_wire(self) -> str | None:
        return None  # a file

    async def run_on_writer(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """What `work` gives, run on the thread and the connection that write, outside any transaction: for pragmas and
        what else SQLite allows there alone. Nobody writes meanwhile."""

        def run() -> R:
            if self._writing_connection is None:
                self._writing_connection = self._connect(reading=False)
            return work(self._writing_connection)

        return await self._guarded(self._writer, run)

    async def _guarded(self, pool: ThreadPoolExecutor, work: Callable[[], R]) -> R:
        try:
            # a caller who hangs up ends the wait, never the work
            return await asyncio.shield(asyncio.get_running_loop().run_in_executor(pool, work))
        except (sqlite3.Error, sa.exc.DBAPIError) as fault:
            translated = _translate_fault(fault)
            if translated is fault:
                raise
            raise translated from fault

    def _connect(self, *, reading: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=self.busy_ms / 1000
        )
        connection.execute(f"PRAGMA busy_timeout = {self.busy_ms}")
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL loses every commit since the last checkpoint at a power cut
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        if reading:
            connection.execute("PRAGMA query_only = ON")
        self._opened.append(connection)
        return connection


_UNAVAILABLE_REASONS = {
    sqlite3.SQLITE_BUSY: "the database is locked by another process",
    sqlite3.SQLITE_LOCKED: "the database is locked by another process",
    sqlite3.SQLITE_PROTOCOL: "the database is locked by another process",
    sqlite3.SQLITE_IOERR: "the database file cannot be read or written",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be used",
    sqlite3.SQLITE_READONLY: "the database file cannot be used",
    sqlite3.SQLITE_PERM: "the database file cannot be used",
    sqlite3.SQLITE_NOTADB: "the database cannot be read",
    sqlite3.SQLITE_CORRUPT: "the database cannot be read",
    sqlite3.SQLITE_NOMEM: "the database has no memory left",
    sqlite3.SQLITE_INTERRUPT: "the database was interrupted",
    sqlite3.SQLITE_SCHEMA: "the schema of the database has just changed",
}
_DISK_FULL_CODES = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP)


def _sqlite_error_code(fault: BaseException) -> int | None:
    """SQLite's extended result code. None: the fault is not SQLite's."""
    orig = fault.orig if isinstance(fault, sa.exc.DBAPIError) else fault
    code: int | None = getattr(orig, "sqlite_errorcode", None)
    return code


def _translate_fault(fault: Exception) -> Exception:
    """The same in the words of `db.database`; the fault itself where it is one of the statement or of the code."""
    code = _sqlite_error_code(fault)
    if code is None:
        return fault
    if code & 0xFF == sqlite3.SQLITE_FULL or code in _DISK_FULL_CODES:
        return DatabaseFull()
    if "no such table" in str(fault):  # not migrated yet
        return DatabaseUnavailable("the database file cannot be used")
    why = _UNAVAILABLE_REASONS.get(code & 0xFF)
    return fault if why is None else DatabaseUnavailable(why)


def _commit(commit: Callable[[], Any]) -> None:
    """COMMIT, or say what is true where it fails. What SQLite refuses (full, busy) it takes back. After a failure of
    the disk the change is not seen, but may stand in the log, and be there when the file is next opened."""
    try:
        commit()
    except (sqlite3.Error, sa.exc.DBAPIError) as fault:
        if (_sqlite_error_code(fault) or 0) & 0xFF == sqlite3.SQLITE_IOERR:
            raise CommitUnknown from fault
        raise


_RESERVE = """INSERT INTO sequence (name, next) VALUES (:name, :first + :count)
ON CONFLICT (name) DO UPDATE SET next = next + :count RETURNING next - :count"""


def _write_in_transaction(
    connection: sqlite3.Connection, plans: Sequence[WritePlan], sealing: Sealing
) -> list[Outcome]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcomes = write_batch(connection, plans, sealing)
        _commit(lambda: connection.execute("COMMIT"))
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return outcomes
