"""How far the security log was sent, under a lease: one worker sends to a destination at a time."""

from datetime import timedelta

import sqlalchemy as sa

from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.leases import database_time, is_free
from hotline.security_log.tables import log_shipment as t


def claim(c: sa.Connection, destination: str, token: str, lease: timedelta) -> int | None:
    """The position it was sent up to, ours for the lease. None: another worker has it."""
    insert_ignoring_duplicates(c, t, [{"destination": destination, "position": 0}])
    at = database_time(c)
    mine = t.c.destination == destination
    claimed = c.execute(
        sa.update(t)
        .where(mine, is_free(t.c.lease_until, at, lease))
        .values(lease_until=at + lease, lease_token=token)
        .returning(t.c.position)
    ).first()
    return None if claimed is None else int(claimed.position)


def release(c: sa.Connection, destination: str, token: str, position: int) -> None:
    """Give it back, sent up to `position`. Without effect where the lease was lost."""
    held = sa.and_(t.c.destination == destination, t.c.lease_token == token)
    c.execute(sa.update(t).where(held).values(position=position, lease_until=None, lease_token=None))
