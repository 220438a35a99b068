"""One query asked for several requests at once: each gets its own rows, whatever the others asked."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.engine import Database, DatabaseUnavailable
from hotline.database.journal import Journal
from hotline.database.prepared import BatchQuery
from hotline.database.read_batcher import MAX_BATCH, ReadBatcher
from hotline.text.numbering import FIRST, number_from_serial
from hotline.tickets.tables import ticket as t
from tests.database.test_journal import new

STATUS = "received"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
# the newest of one number or another one, since a moment, of one status: that is shared
NEWEST = BatchQuery(
    sa.union_all(
        *(
            sa.select(
                sa.select(t.c.number, t.c.created_at)
                .where(
                    t.c.number == sa.bindparam(name, type_=sa.String),
                    t.c.created_at > sa.bindparam("since", type_=Instant),
                    t.c.status == sa.bindparam("status", type_=sa.String),
                )
                .order_by(t.c.created_at.desc())
                .limit(1)
                .subquery()
            )
            for name in ("number", "other")
        )
    ),
    ["number", "other", "since"],
)


@pytest.fixture
async def numbers(db: Database) -> list[str]:
    journal = Journal(db)
    journal.start()
    await asyncio.gather(*(journal.commit(new(n)) for n in range(5)))
    await journal.drain()
    return [number_from_serial(FIRST + n) for n in range(5)]


def asking(number: str, other: str = "", since: datetime = LONG_AGO) -> dict[str, Any]:
    return {"number": number, "other": other, "since": since}


class Counted:
    """The database, with how many requests each round trip asked for. `fails`: what a
    number raises; `hangs`: until when it is not answered."""

    def __init__(self, db: Database) -> None:
        self.db, self.asked = db, list[int]()
        self.fails, self.hangs = dict[str, Exception](), dict[str, asyncio.Event]()

    async def rows_of_each(
        self, query: BatchQuery, requests: Sequence[Mapping[str, Any]], /, **shared: Any
    ) -> list[list[Any]]:
        self.asked.append(len(requests))
        for request in requests:
            if request["number"] in self.hangs:
                await self.hangs[request["number"]].wait()
            if (fault := self.fails.get(request["number"])) is not None:
                raise fault
        return await self.db.rows_of_each(query, requests, **shared)


async def test_each_request_gets_its_own_rows_in_one_round_trip(db: Database, numbers: list[str]) -> None:
    before = db.round_trips
    future = datetime.now(UTC) + timedelta(days=9999)
    requests = [asking(numbers[0], numbers[1]), asking("none"), asking(numbers[2]), asking(numbers[3], since=future)]
    found = await db.rows_of_each(NEWEST, requests, status=STATUS)
    assert [[row.number for row in rows] for rows in found] == [numbers[:2], [], [numbers[2]], []]
    assert found[0][0].created_at.tzinfo is not None
    assert db.round_trips == before + 1
    assert await db.rows_of_each(NEWEST, [asking(numbers[0])], status="closed") == [[]]


async def test_what_waits_at_one_moment_is_asked_together(db: Database, numbers: list[str]) -> None:
    counted = Counted(db)
    reads = ReadBatcher(counted)  # type: ignore[arg-type]
    wanted = [number for number in numbers for _ in range(10)]
    found = await asyncio.gather(*(reads.rows(NEWEST, asking(number), status=STATUS) for number in wanted))
    assert [[row.number for row in rows] for rows in found] == [[number] for number in wanted]
    assert counted.asked == [MAX_BATCH, len(wanted) - MAX_BATCH]


async def test_other_shared_values_are_another_batch(db: Database, numbers: list[str]) -> None:
    reads = ReadBatcher(db)
    here, there = await asyncio.gather(
        reads.rows(NEWEST, asking(numbers[0]), status=STATUS), reads.rows(NEWEST, asking(numbers[0]), status="x")
    )
    assert [row.number for row in here] == [numbers[0]]
    assert there == []


async def test_a_request_that_fails_does_not_fail_the_others(db: Database, numbers: list[str]) -> None:
    counted = Counted(db)
    counted.fails[numbers[1]] = ValueError("a value the database does not take")
    reads = ReadBatcher(counted)  # type: ignore[arg-type]
    asked = (reads.rows(NEWEST, asking(number), status=STATUS) for number in numbers[:3])
    first, second, third = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(second, ValueError)
    assert [[row.number for row in rows] for rows in (first, third)] == [[numbers[0]], [numbers[2]]]  # type: ignore[union-attr]


async def test_an_outage_is_told_to_all_and_asked_once(db: Database, numbers: list[str]) -> None:
    counted = Counted(db)
    counted.fails[numbers[1]] = DatabaseUnavailable("gone")
    reads = ReadBatcher(counted)  # type: ignore[arg-type]
    asked = (reads.rows(NEWEST, asking(number), status=STATUS) for number in numbers[:3])
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in told] == [DatabaseUnavailable] * 3
    assert counted.asked == [3]


async def test_a_batch_that_hangs_holds_up_nobody_who_comes_later(
    db: Database, numbers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotline.database.read_batcher.LATE", 0)
    counted = Counted(db)
    counted.hangs[numbers[0]] = asyncio.Event()
    reads = ReadBatcher(counted)  # type: ignore[arg-type]
    stuck = asyncio.create_task(reads.rows(NEWEST, asking(numbers[0]), status=STATUS))
    await asyncio.sleep(0)
    while not counted.asked:
        await asyncio.sleep(0)
    assert [row.number for row in await reads.rows(NEWEST, asking(numbers[1]), status=STATUS)] == [numbers[1]]
    assert not stuck.done()
    counted.hangs[numbers[0]].set()
    assert [row.number for row in await stuck] == [numbers[0]]


async def test_who_gives_up_costs_the_others_nothing(db: Database, numbers: list[str]) -> None:
    counted = Counted(db)
    reads = ReadBatcher(counted)  # type: ignore[arg-type]
    gone = asyncio.create_task(reads.rows(NEWEST, asking(numbers[0]), status=STATUS))
    stays = asyncio.create_task(reads.rows(NEWEST, asking(numbers[1]), status=STATUS))
    await asyncio.sleep(0)
    gone.cancel()
    assert [row.number for row in await stays] == [numbers[1]]
    assert gone.cancelled() or isinstance(
        (await asyncio.gather(gone, return_exceptions=True))[0], asyncio.CancelledError
    )
    assert counted.asked == [1]
