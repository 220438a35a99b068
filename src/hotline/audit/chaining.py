"""Chains lines that have no hash: those from before, and those that processes of an older version write while they are
replaced. A hash that is there is never replaced."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from hotline.audit.opening import UNCHAINED, is_open
from hotline.database.columns import sealing_of
from hotline.database.hash_chain import GENESIS
from hotline.database.sealing import Sealing
from hotline.tickets.store.chain import RAW_IMAGE, RAW_LINE, stored_image_hash, stored_line_hash
from hotline.tickets.tables import ticket, timeline

BATCH = 50  # tickets in one transaction: their hashes take some 5 ms, for which no request is answered
FOUND = 1000  # tickets looked up at a time
_IMAGE = [c.name for c in timeline.columns].index("image")
_LINES = sa.select(*RAW_LINE).order_by(timeline.c.number, timeline.c.seq)
_number_of = attrgetter("number")
Hashes = Mapping[str, Any]  # parameters of an update
_PUT_HASH = (
    sa.update(timeline)
    .where(timeline.c.number == sa.bindparam("n"), timeline.c.seq == sa.bindparam("s"), timeline.c.hash.is_(None))
    .values(hash=sa.bindparam("h"), image=sa.bindparam("i"))
)
_PUT_HEAD = (
    sa.update(ticket)
    .where(ticket.c.number == sa.bindparam("n"))
    .values(head=sa.bindparam("h"), chained=sa.bindparam("s"))
)


def find_unchained(c: sa.Connection, after: str = "", limit: int = FOUND) -> Sequence[str]:
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
    locked = c.execute(mine.with_for_update(skip_locked=True)).scalars().all()
    images = c.execute(sa.select(*RAW_IMAGE).where(ticket.c.number.in_(locked))).all()
    image_of = {_number_of(image): image for image in images}
    hashes, heads = list[Hashes](), list[Hashes]()
    sealing = sealing_of(c.dialect)
    for number, lines in groupby(c.execute(_LINES.where(timeline.c.number.in_(locked))).all(), _number_of):
        chained = _chain_lines(list(lines), image_of[number], sealing)
        if chained is not None:
            hashes += chained[0]
            heads.append(chained[1])
    if hashes:
        c.execute(_PUT_HASH, hashes)
    if heads:
        c.execute(_PUT_HEAD, heads)
    return len(heads)


def _chain_lines(lines: Sequence[Any], image: Any, sealing: Sealing) -> tuple[list[Hashes], Hashes] | None:
    """What is written for the lines of a ticket, and for the ticket. None: a line is not what its hash says, and
    nothing is written."""
    before = GENESIS
    missing: list[Hashes] = []
    for place, line in enumerate(lines):
        raw = list(line)
        if line.hash is None and place == len(lines) - 1:
            raw[_IMAGE] = stored_image_hash(image, sealing)
        digest = stored_line_hash(before, raw, sealing)
        if digest is None or line.hash not in (None, digest):
            return None
        if line.hash is None:
            missing.append({"n": line.number, "s": line.seq, "h": digest, "i": raw[_IMAGE]})
        before = digest
    return missing, {"n": lines[-1].number, "s": lines[-1].seq, "h": before}
