"""What each database is set to, and what happens when it is locked, full or gone."""

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.database.engine import CommitUnknown, DatabaseFull, DatabaseUnavailable
from hotline.database.engine_postgres import Postgres
from hotline.database.engine_sqlite import Sqlite
from hotline.database.journal import Journal
from hotline.database.prepared import PreparedQuery
from hotline.tickets.tables import ticket
from tests.conftest import SEALING
from tests.database.test_journal import count, new
from tests.postgres import find_server


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "h.db"))


async def test_sqlite_is_durable_and_keeps_foreign_keys(path: Path) -> None:
    db = Sqlite(path, sealing=SEALING)
    await db.open()
    found = await db.run_on_writer(
        lambda connection: {
            p: connection.execute(f"PRAGMA {p}").fetchone()[0] for p in ("journal_mode", "synchronous", "foreign_keys")
        }
    )
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    await db.close()


async def test_a_locked_file_is_reported_and_writing_goes_on_by_itself(path: Path) -> None:
    db = Sqlite(path, busy_ms=50, sealing=SEALING)
    await db.open()
    journal = Journal(db)
    journal.start()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable):
        await journal.commit(new(1))
    other.execute("ROLLBACK")
    await journal.commit(new(2))
    assert await count(db, ticket) == 1
    other.close()
    await journal.drain()
    await db.close()


async def test_a_full_disk_is_reported_nothing_is_half_done_and_writing_goes_on(path: Path) -> None:
    db = Sqlite(path, sealing=SEALING)
    await db.open()
    journal = Journal(db)
    journal.start()
    pages = await db.run_on_writer(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await db.run_on_writer(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(DatabaseFull):
        for n in range(200):
            await journal.commit(new(n))
    written = await count(db, ticket)
    await db.run_on_writer(lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))
    await journal.commit(new(500))
    assert await count(db, ticket) == written + 1
    await journal.drain()
    await db.close()


async def test_a_file_that_is_gone_is_reported(tmp_path: Path) -> None:
    db = Sqlite(tmp_path / "no" / "such" / "folder.db", sealing=SEALING)
    with pytest.raises(DatabaseUnavailable):
        await db.open()
    await db.close()


async def test_postgres_killed_and_restarted_loses_nothing_acknowledged(memory: Path) -> None:
    server = find_server(memory, durable=True)
    if server is None:
        pytest.skip("no PostgreSQL of the system")
    try:
        db = Postgres(server.fresh("crash"), sealing=SEALING)
        from tests.conftest import seeded

        await db.open()
        await seeded(db)
        journal = Journal(db)
        journal.start()
        for n in range(20):
            await journal.commit(new(n))
        server.restart()
        # the first to ask finds its connection dead and says so; the pool heals
        with contextlib.suppress(DatabaseUnavailable, CommitUnknown):
            await journal.commit(new(50))
        for n in range(20, 25):
            await journal.commit(new(n))
        assert await count(db, ticket) in (25, 26)
        await journal.drain()
        await db.close()
    finally:
        server.stop()


async def test_every_word_of_the_vocabulary_is_welcome_in_the_database(db: Any) -> None:
    """A new word of an enum is an empty migration diff; the CHECK must know it all the same."""
    from hotline.tables import metadata

    words = {
        (t.name, c.name): str(c.sqltext)
        for t in metadata.sorted_tables
        for c in t.constraints
        if isinstance(c, sa.CheckConstraint)
    }
    assert len(words) >= 14

    def look(connection: sa.Connection) -> dict[tuple[str, str], str]:
        found = {}
        for table in {t for t, _ in words}:
            for check in sa.inspect(connection).get_check_constraints(table):
                found[(table, check["name"])] = check["sqltext"]
        return found

    kept = await db.transact(look)
    for (table, name), text in words.items():
        here = next(v for k, v in kept.items() if k == (table, str(name)))
        expected = {w.split("'")[1] for w in text.split(",")}
        assert {w.split("'")[1] for w in here.split(",")} == expected, (table, name)


async def test_a_naive_moment_is_refused_everywhere(db: Any) -> None:
    from datetime import datetime

    from hotline.database.columns import Instant

    asked = PreparedQuery(sa.select(ticket.c.number).where(ticket.c.created_at > sa.bindparam("at", type_=Instant)))
    with pytest.raises(ValueError, match="zone"):
        await db.rows(asked, at=datetime(2026, 1, 1))  # noqa: DTZ001
