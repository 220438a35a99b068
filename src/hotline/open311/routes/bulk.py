"""All requests that fit a filter, as a table: /requests.csv."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from hotline.database.prepared import Row
from hotline.open311.routes.request import Open311Request
from hotline.open311.routes.requests import found
from hotline.open311.service_requests import COLUMNS, render_csv_row

PAGE, MOST, MOST_PUBLIC = 2000, 200_000, 1000  # rows: of one page, with a key, without one
AT_ONCE = 100  # rows between which others are served


async def first_page(request: Open311Request) -> Sequence[Row]:
    """The first rows: what is wrong with the question is answered before the first line is sent."""
    return await found(request, PAGE if request.view.client else MOST_PUBLIC)


async def lines(request: Open311Request, rows: Sequence[Row]) -> AsyncIterator[bytes]:
    """The table, from its first page on; without a key, that page alone. A cell that a spreadsheet would run is
    disarmed."""
    yield _stream_csv([COLUMNS])
    offset = 0
    while rows:
        for at in range(0, len(rows), AT_ONCE):
            yield _stream_csv(
                render_csv_row(request.directory, row, own=request.is_own(row)) for row in rows[at : at + AT_ONCE]
            )
            await asyncio.sleep(0)
        offset += len(rows)
        ended = len(rows) < PAGE or "service_request_id" in request.query or offset >= MOST
        if ended or request.view.client is None:
            return
        rows = await found(request, PAGE, offset)


def _stream_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
