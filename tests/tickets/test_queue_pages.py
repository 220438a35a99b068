"""How far one query reads a department's queue."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hotline.organisation.model.scopes import Scope
from hotline.tickets.store.assignments import MAX_QUEUE_ROWS, load_open_orders
from hotline.web.paging import MAX_PAGE_SIZE

EVERYTHING = Scope(True, None, frozenset())
FIRST = (-1, datetime(1970, 1, 1, tzinfo=UTC), "")


async def test_a_queue_is_never_cut_without_a_word(db: Any) -> None:
    """The longest page that HTTP accepts, with the row that says that there is another page, is the most."""
    assert await load_open_orders(db, EVERYTHING, "lifts", FIRST, MAX_PAGE_SIZE + 1) == []
    with pytest.raises(ValueError, match=str(MAX_QUEUE_ROWS)):
        await load_open_orders(db, EVERYTHING, "lifts", FIRST, MAX_QUEUE_ROWS + 1)
