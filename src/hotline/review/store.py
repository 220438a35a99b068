"""What came in, by its state, within the scope of whoever asks."""

from collections.abc import Sequence

from hotline.database.engine import Database
from hotline.database.prepared import Row
from hotline.inbound.tables import inbound as i
from hotline.organisation.model.scopes import Scope
from hotline.tickets.store.channel_log import in_state, that_one


async def listed(db: Database, scope: Scope, status: str, after: str, limit: int) -> Sequence[Row]:
    """What stands in a state, oldest first; `confidential` beside each."""
    return await in_state(db, i, scope, status, after, limit)


async def an_item(db: Database, scope: Scope, id: str) -> Row | None:  # noqa: A002
    """One of them. None: not there, or not theirs to see."""
    return await that_one(db, i, scope, id)
