"""Wrong query codes: counted in the database, so that a limit holds over several processes."""

from datetime import datetime

import sqlalchemy as sa

from .columns import Instant
from .once import insert_once
from .tables import lookup_failure as f


def failures(c: sa.Connection, subject: str, since: datetime) -> int:
    """How often this subject was wrong, if the last time was after `since`."""
    row = c.execute(sa.select(f.c.count.label("n"), f.c.last_at).where(f.c.subject == subject)).first()
    return int(row.n) if row is not None and row.last_at > since else 0


def failed(c: sa.Connection, subject: str, now: datetime, since: datetime) -> None:
    """Count one more; what lies before `since` is forgiven."""
    insert_once(c, f, [{"subject": subject, "count": 0, "last_at": now}])
    fresh = sa.case((f.c.last_at > sa.bindparam("since", since, type_=Instant), f.c.count + 1), else_=1)
    c.execute(sa.update(f).where(f.c.subject == subject).values(count=fresh, last_at=now))


def forget(c: sa.Connection, before: datetime) -> int:
    return c.execute(sa.delete(f).where(f.c.last_at < before)).rowcount
