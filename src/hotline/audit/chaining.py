"""Chains lines that have no hash: those from before, and those that processes of an older version write while they are
replaced. A hash that is there is never replaced."""

from collections.abc import Sequence

import sqlalchemy as sa

from hotline.audit.opening import UNCHAINED, is_open
from hotline.database.columns import sealing_of
from hotline.database.hash_chain import GENESIS
from hotline.tickets.store.chain import RAW_IMAGE, RAW_LINE, stored_image_hash, stored_line_hash
from hotline.tickets.tables import ticket, timeline

BATCH = 200  # tickets in one transaction
_IMAGE = [c.name for c in timeline.columns].index("image")


def find_unchained(c: sa.Connection, after: str = "", limit: int = BATCH) -> Sequence[str]:
    """The next tickets after a number that have lines without a hash. Reads all tickets where few have: call it
    outside a transaction that writes."""
    waiting = sa.select(ticket.c.number).where(ticket.c.number > after, UNCHAINED).order_by(ticket.c.number)
    return c.execute(waiting.limit(limit)).scalars().all()


def chain_tickets(c: sa.Connection, numbers: Sequence[str]) -> int:
    """Chain these; how many were. 0 too where lines without a hash are chained no longer. Tickets that another worker
    has are left to it."""
    if not is_open(c):
        return 0
    mine = sa.select(ticket.c.number).where(ticket.c.number.in_(numbers), UNCHAINED).order_by(ticket.c.number)
    return sum(_chain_ticket(c, row.number) for row in c.execute(mine.with_for_update(skip_locked=True)).all())


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
