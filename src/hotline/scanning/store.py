"""Queries on scanned files."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.engine import Database
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery
from hotline.scanning.model import ScanState, retry_delay
from hotline.scanning.tables import file_scan as f
from hotline.tickets.tables import attachment as a

_SCAN = PreparedQuery(sa.select(f.c.sha256, f.c.state).where(f.c.sha256 == sa.bindparam("sha256", type_=sa.String)))


async def load_scans(db: Database, hashes: Sequence[str]) -> Mapping[str, ScanState]:
    """The state of each file that was noted."""
    found = [await db.rows(_SCAN, sha256=each) for each in dict.fromkeys(hashes)]  # a ticket has few files
    return {row.sha256: ScanState(row.state) for rows in found for row in rows}


def add_waiting(c: sa.Connection, hashes: Sequence[str], now: datetime) -> None:
    """Note files to be scanned; those noted before stay as they are."""
    rows = [
        {"sha256": each, "state": ScanState.WAITING, "attempts": 0, "next_at": now, "created_at": now}
        for each in hashes
    ]
    if rows:
        insert_ignoring_duplicates(c, f, rows)


def load_scan(c: sa.Connection, sha256: str) -> ScanState:
    """The state of a file that was noted."""
    return ScanState(c.execute(sa.select(f.c.state).where(f.c.sha256 == sha256)).scalar_one())


def claim_due(c: sa.Connection, now: datetime, lease: timedelta) -> Any | None:
    """The file that has waited longest, and nobody else's for `lease`; its row as it was before. The try is counted
    now, so that one that ends its worker is tried ever less often. None: none is due."""
    row = c.execute(
        sa.select(f.c.sha256, f.c.attempts, f.c.next_at).where(f.c.next_at <= now).order_by(f.c.next_at).limit(1)
    ).first()
    if row is None:
        return None
    pause = max(lease, retry_delay(row.attempts))
    claimed = c.execute(
        sa.update(f)
        .where(f.c.sha256 == row.sha256, f.c.next_at == row.next_at)
        .values(next_at=now + pause, attempts=row.attempts + 1)
    )
    return row if claimed.rowcount else None


def update_scan(c: sa.Connection, sha256: str, values: Mapping[str, Any]) -> bool:
    """What a scan came to; False: another worker noted it already."""
    changed = c.execute(sa.update(f).where(f.c.sha256 == sha256, f.c.state == ScanState.WAITING).values(**values))
    return bool(changed.rowcount)


def load_unscanned(c: sa.Connection, limit: int) -> Sequence[str]:
    """Files that were attached before there was a scanner."""
    known = sa.select(f.c.sha256).where(f.c.sha256 == a.c.sha256).exists()
    return c.execute(sa.select(a.c.sha256).where(~known).distinct().limit(limit)).scalars().all()


def load_attached(c: sa.Connection, sha256: str, limit: int) -> Sequence[Any]:
    """The attachments that are this file: ticket number and name."""
    return c.execute(sa.select(a.c.number, a.c.name).where(a.c.sha256 == sha256).limit(limit)).all()


def count_by_state(c: sa.Connection) -> Mapping[ScanState, tuple[int, datetime]]:
    """How many files are not clean, and since when the oldest is there."""
    rows = c.execute(
        sa.select(f.c.state, sa.func.count().label("n"), sa.func.min(f.c.created_at).label("oldest"))
        .where(f.c.state != ScanState.CLEAN)
        .group_by(f.c.state)
    )
    return {ScanState(row.state): (row.n, row.oldest) for row in rows}
