"""Whether lines without a hash may be chained still: from the migration until all lines have theirs, and after an
administrator has opened it anew, because processes of an older version ran again."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.security_log.store import CHAIN, Identity, SecurityEvent, lock_head, record_deed
from hotline.security_log.tables import chain_opening, checkpoint, security_log
from hotline.security_log.vocabulary import Deed
from hotline.tickets.tables import ticket

OPEN_FOR = timedelta(days=1)  # at least: processes of the version before are replaced meanwhile
UNCHAINED = sa.func.coalesce(ticket.c.chained, 0) < ticket.c.entries


def load_opening(c: sa.Connection) -> Any:
    """The newest opening. None: there was none."""
    return c.execute(sa.select(chain_opening).order_by(chain_opening.c.id.desc()).limit(1)).first()


def is_open(c: sa.Connection) -> bool:
    """Whether lines without a hash may be chained still. What a signed checkpoint holds as ended is not opened by a
    row of this table alone: the security log has to tell of it after that checkpoint."""
    opening = load_opening(c)
    if opening is None or opening.ended_at is not None:
        return False
    ended = sa.select(sa.func.max(checkpoint.c.log_position)).where(checkpoint.c.closed)
    ended_at = c.execute(ended).scalar()
    if ended_at is None and opening.id == 1:
        return True
    told = sa.select(security_log.c.position).where(
        security_log.c.position == opening.log_position, security_log.c.deed == Deed.HISTORY_REOPENED
    )
    return opening.log_position > (ended_at or 0) and c.execute(told).first() is not None


def end_opening(c: sa.Connection, now: datetime) -> bool:
    """End it where its day is over and every line has a hash."""
    opening = load_opening(c)
    if opening is None or opening.ended_at is not None or now < opening.at + OPEN_FOR:
        return False
    if c.execute(sa.select(ticket.c.number).where(UNCHAINED).limit(1)).first() is not None:
        return False
    c.execute(sa.update(chain_opening).where(chain_opening.c.id == opening.id).values(ended_at=now))
    return True


def reopen(c: sa.Connection, by: Identity, now: datetime) -> bool:
    """Chain lines without a hash again, told in the security log. False: it is open already."""
    if is_open(c):
        return False
    before = load_opening(c)
    record_deed(c, SecurityEvent(Deed.HISTORY_REOPENED, by, now))
    position, _ = lock_head(c, CHAIN)
    number = 2 if before is None else before.id + 1
    c.execute(sa.insert(chain_opening).values(id=number, at=now, log_position=position))
    return True
