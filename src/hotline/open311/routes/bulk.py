"""All requests that fit a filter, as a table: /requests.csv."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from hotline.database.prepared import Row
from hotline.open311.requests import COLUMNS, cells
from hotline.open311.routes.request import Open311Request
from hotline.open311.routes.requests import found

PAGE, MOST, MOST_PUBLIC = 2000, 200_000, 1000  # rows: of one page, with a key, without one
AT_ONCE = 100  # rows between which others are served


async def first_page(asked: Open311Request) -> Sequence[Row]:
    """The first rows: what is wrong with the question is answered before the first line is sent."""
    return await found(asked, PAGE if asked.view.client else MOST_PUBLIC)


async def lines(asked: Open311Request, rows: Sequence[Row]) -> AsyncIterator[bytes]:
    """The table, from its first page on; without a key, that page alone. A cell that a spreadsheet would run is
    disarmed."""
    yield _csv([COLUMNS])
    offset = 0
    while rows:
        for at in range(0, len(rows), AT_ONCE):
            yield _csv(cells(asked.directory, row, own=asked.is_own(row)) for row in rows[at : at + AT_ONCE])
            await asyncio.sleep(0)
        offset += len(rows)
        ended = len(rows) < PAGE or "service_request_id" in asked.query or offset >= MOST
        if ended or asked.view.client is None:
            return
        rows = await found(asked, PAGE, offset)


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
