"""What a process knows of a small table: read once a second, whoever asks."""

import asyncio
from datetime import datetime, timedelta

import pytest

from hotline.database.cache import CachedTable
from hotline.database.deadlines import Deadlines
from hotline.database.engine import DatabaseUnavailable
from tests.conftest import NOON

LATER = NOON + timedelta(seconds=2)


class Reader:
    """Answers when it is let; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.answers = 0, asyncio.Event()

    async def look(self, now: datetime) -> str:
        self.asked += 1
        await self.answers.wait()
        return f"read {self.asked}"


async def test_requests_that_find_it_old_at_one_moment_read_it_once() -> None:
    reader = Reader()
    table = CachedTable(reader.look)
    waiting = [asyncio.create_task(table.now(NOON)) for _ in range(20)]
    await asyncio.sleep(0)
    reader.answers.set()
    assert set(await asyncio.gather(*waiting)) == {"read 1"}
    assert set(await asyncio.gather(table.now(LATER), table.now(LATER))) == {"read 2"}


async def test_who_reads_for_all_and_hangs_up_leaves_it_to_the_next() -> None:
    reader = Reader()
    table = CachedTable(reader.look)
    first, second = (asyncio.create_task(table.now(NOON)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    reader.answers.set()
    assert await second == "read 2"


async def test_nobody_waits_longer_than_their_own_deadline() -> None:
    reader = Reader()
    table = CachedTable(reader.look, Deadlines(lookup=0.05, write=0.05))
    waiting = await asyncio.gather(*(table.now(NOON) for _ in range(20)), return_exceptions=True)
    assert {type(outcome) for outcome in waiting} == {DatabaseUnavailable}
    reader.answers.set()
    assert (await table.now(NOON)).startswith("read")


async def test_forgotten_it_is_read_at_the_next_question() -> None:
    reader = Reader()
    reader.answers.set()
    table = CachedTable(reader.look)
    await table.now(NOON)
    table.forget()
    assert await table.now(NOON) == "read 2"


@pytest.mark.parametrize("known", [True, False])
async def test_what_was_known_last_stands_in_for_a_database_that_is_away(known: bool) -> None:
    away = not known

    async def look(now: datetime) -> str:
        if away:
            raise DatabaseUnavailable("away")
        return "known"

    table = CachedTable(look)
    if known:
        await table.now(NOON)
        away = True
        assert await table.now(LATER) == "known"
    else:
        with pytest.raises(DatabaseUnavailable):
            await table.now(NOON)
