"""Queries of inbound items by state, within the asker's scope."""

from collections.abc import Sequence

from hotline.database.engine import Database
from hotline.database.prepared import Row
from hotline.inbound.tables import inbound as i
from hotline.organisation.model.scopes import Scope
from hotline.tickets.store.channel_log import load_log_row, load_log_rows


async def load_items(db: Database, scope: Scope, status: str, after: str, limit: int) -> Sequence[Row]:
    """What stands in a state, oldest first; `confidential` beside each."""
    return await load_log_rows(db, i, scope, status, after, limit)


async def load_item(db: Database, scope: Scope, id: str) -> Row | None:  # noqa: A002
    """One of them. None: not there, or not theirs to see."""
    return await load_log_row(db, i, scope, id)
