"""Running processes and the look-up keys they know: a key that one of them still writes with must not be dropped, and
none be used that one does not know yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.tables import running_process as p
from hotline.server_secret import lookup_key_id, lookup_keys
from hotline.tickets.context import Services

INTERVAL = 60.0  # seconds between two notes of a process
SEEN_WITHIN = timedelta(minutes=5)  # a process that was not seen for so long has ended
_KEPT = timedelta(days=1)


@dataclass(slots=True)
class ThisProcess:
    """`noted`: it has said that it runs."""

    id: str = field(default_factory=lambda: uuid4().hex)
    noted: bool = False


def known_lookups(secret: bytes) -> list[str]:
    """The ids of the look-up keys that this process accepts, the one it writes with first."""
    return [lookup_key_id(key) for key in lookup_keys(secret)]


async def note_process(services: Services, now: datetime) -> None:
    """Note that this process runs, and by which look-up keys."""
    this = services.part(ThisProcess)
    row = {"id": this.id, "lookups": known_lookups(services.secret), "seen_at": now}
    old = sa.delete(p).where(p.c.seen_at < sa.bindparam("old", now - _KEPT, type_=Instant))

    def write(c: sa.Connection) -> None:
        c.execute(old)
        if not c.execute(sa.update(p).where(p.c.id == this.id).values(**row)).rowcount:
            insert_ignoring_duplicates(c, p, [row])  # its server and its worker note it, each at its start

    await services.db.transact(write)
    this.noted = True


async def forget_process(services: Services) -> None:
    """Note that this process ends."""
    this = services.part(ThisProcess)
    if this.noted:
        await services.db.transact(lambda c: c.execute(sa.delete(p).where(p.c.id == this.id)))


def load_known_lookups(c: sa.Connection, now: datetime) -> Sequence[list[str]]:
    """Of each process that was seen of late the ids of its look-up keys, the one it writes with first."""
    since = sa.bindparam("since", now - SEEN_WITHIN, type_=Instant)
    return list(c.execute(sa.select(p.c.lookups).where(p.c.seen_at > since)).scalars())
