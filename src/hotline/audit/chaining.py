"""Chains lines that have no hash: those from before, and those that processes of an older version write while they are
replaced. For a day after the migration; a hash that is there is never replaced."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from hotline.database.columns import sealing_of
from hotline.database.hash_chain import GENESIS
from hotline.security_log.tables import chain_opening
from hotline.tickets.store.chain import RAW_IMAGE, RAW_LINE, stored_image_hash, stored_line_hash
from hotline.tickets.tables import ticket, timeline

OPEN_FOR = timedelta(days=1)
BATCH = 200  # tickets in one transaction
_IMAGE = [c.name for c in timeline.columns].index("image")


def is_open(c: sa.Connection, now: datetime) -> bool:
    """Whether lines without a hash may be chained still."""
    opened = c.execute(sa.select(chain_opening.c.at)).scalar()
    return opened is not None and now < opened + OPEN_FOR


def chain_next(c: sa.Connection, now: datetime, limit: int = BATCH) -> int:
    """Chain the next tickets that have lines without a hash; how many. 0 too where the day is over."""
    if not is_open(c, now):
        return 0
    waiting = (
        sa.select(ticket.c.number)
        .where(sa.func.coalesce(ticket.c.chained, 0) < ticket.c.entries)
        .order_by(ticket.c.number)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return sum(_chain_ticket(c, row.number) for row in c.execute(waiting).all())


def _chain_ticket(c: sa.Connection, number: str) -> bool:
    """False: a line is not what its hash says, and nothing is written."""
    sealing = sealing_of(c.dialect)
    image = stored_image_hash(c.execute(sa.select(*RAW_IMAGE).where(ticket.c.number == number)).one(), sealing)
    lines = c.execute(sa.select(*RAW_LINE).where(timeline.c.number == number).order_by(timeline.c.seq)).all()
    before, missing = GENESIS, []
    for place, line in enumerate(lines):
        raw = list(line)
        if line.hash is None and place == len(lines) - 1:
            raw[_IMAGE] = image
        digest = stored_line_hash(before, raw, sealing)
        if digest is None or line.hash not in (None, digest):
            return False
        if line.hash is None:
            missing.append({"s": line.seq, "h": digest, "i": raw[_IMAGE]})
        before = digest
    if not lines:
        return False
    if missing:
        mine = sa.and_(timeline.c.number == number, timeline.c.seq == sa.bindparam("s"), timeline.c.hash.is_(None))
        put = sa.update(timeline).where(mine).values(hash=sa.bindparam("h"), image=sa.bindparam("i"))
        c.execute(put, missing)
    stands = sa.update(ticket).where(ticket.c.number == number).values(head=before, chained=lines[-1].seq)
    c.execute(stands)
    return True
