"""The journal knows no ticket: rooms, bookings and guests, which no module of ours has heard of, are journaled as
tickets are, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.database import idempotency
from hotline.database.columns import Document, Instant, MatchesSearch, SearchIndex
from hotline.database.engine import Committed, Replayed, Stale
from hotline.database.journal import Journal
from hotline.database.prepared import PreparedQuery
from hotline.database.write_plan import (
    SearchEntry,
    StoredAnswer,
    TableWrite,
    VersionGuard,
    WritePlan,
    in_dependency_order,
    merge_plans,
)
from hotline.tables import metadata as ours
from hotline.tickets import write_plan
from hotline.tickets.store import counters
from tests.conftest import NOON

metadata = sa.MetaData()
C, S = sa.Column, sa.String
# a booking comes before its room by name, and after it by its foreign key
booking = sa.Table(
    "booking", metadata,
    C("id", S(20), primary_key=True),
    C("room", S(20), sa.ForeignKey("room.code"), nullable=False),
    C("guest", S(20), nullable=False),
    C("at", Instant, nullable=False),
    C("wishes", Document, nullable=False),
    C("nights", sa.Integer, sa.CheckConstraint("nights > 0"), nullable=False),
    C("leaves", sa.Integer, nullable=False),
)  # fmt: skip
room = sa.Table(
    "room", metadata,
    C("code", S(20), primary_key=True),
    C("title", sa.Text, nullable=False),
    C("version", sa.Integer, nullable=False),
)  # fmt: skip
garage = sa.Table(
    "garage", metadata,
    C("plate", S(20), primary_key=True),
    C("version", sa.Integer, nullable=False),
)  # fmt: skip
guest = sa.Table(
    "guest", metadata,
    C("id", S(20), primary_key=True),
    C("name", sa.Text),
    C("seen_at", Instant, nullable=False),
)  # fmt: skip
WORDS = SearchIndex("room_words", "code")


@dataclass(frozen=True, slots=True)
class Room:
    code: str
    title: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Garage:
    plate: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Booking:
    id: str
    room: str
    guest: str
    at: datetime
    wishes: tuple[str, ...] = ()
    nights: int = 1
    whim: str = "of no column"


@dataclass(frozen=True, slots=True)
class Guest:
    id: str
    name: str | None
    seen_at: datetime


GUESTS = TableWrite(guest, Guest, belongs_to=None, replace=("name", "seen_at"), keep=("name",))
ROOMS = TableWrite(room, Room, belongs_to="code", replace=("title", "version"))
GARAGES = TableWrite(garage, Garage, belongs_to="plate", replace=("version",))
BOOKINGS = TableWrite(booking, Booking, belongs_to="room", derived={"leaves": "{r}nights + 1"})


@pytest.fixture
async def journal(db: Any) -> AsyncIterator[Journal]:
    def build(c: sa.Connection) -> None:
        metadata.create_all(c)
        if c.dialect.name == "postgresql":
            c.exec_driver_sql("CREATE TABLE room_words (code varchar(20) PRIMARY KEY, words tsvector)")
        else:
            c.exec_driver_sql("CREATE VIRTUAL TABLE room_words USING fts5(code UNINDEXED, words)")

    def clear(c: sa.Connection) -> None:
        metadata.drop_all(c)
        c.exec_driver_sql("DROP TABLE room_words")

    await db.transact(build)
    made = Journal(db)
    made.start()
    yield made
    await made.drain()
    await db.transact(clear)


def answer(key: str, body: str = "") -> StoredAnswer:
    return StoredAnswer("desk", key, "f", 201, body or key, NOON, "1")


def opened(code: str, key: str | None = None, **over: Any) -> WritePlan:
    """A new room with one booking of one guest."""
    plan = WritePlan(
        answer(key or f"open {code}"),
        (VersionGuard(room, code, None),),
        {
            BOOKINGS: [Booking(f"{code}-1", code, "g1", NOON, ("quiet", "海景"))],
            ROOMS: [Room(code, f"room {code}")],
            GUESTS: [Guest("g1", "Wang", NOON)],
        },
        {("room", "east", "open"): 1},
        (SearchEntry(WORDS, code, int(code), (f"room {code}", "海景")),),
    )
    return replace(plan, **over)


def renamed(code: str, expected: int, key: str, title: str = "new name") -> WritePlan:
    """The room under another title, and a second booking."""
    return WritePlan(
        answer(key),
        (VersionGuard(room, code, expected),),
        {
            ROOMS: [Room(code, title, expected + 1)],
            BOOKINGS: [Booking(f"{code}-{key}", code, "g1", NOON)],
        },
        {("room", "east", "open"): -1, ("room", "east", "renamed"): 1},
        (SearchEntry(WORDS, code, int(code), (title,)),),
    )


async def rows(db: Any, table: sa.Table) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in await db.rows(PreparedQuery(sa.select(table))))


async def found(db: Any, word: str) -> list[str]:
    word = f"'{word}'" if db.dialect.name == "postgresql" else f'"{word}"'
    return [
        r.code
        for r in await db.rows(
            PreparedQuery(sa.select(room.c.code).where(MatchesSearch(WORDS, room.c.code, "w"))), w=word
        )
    ]


async def test_a_plan_is_written_whole_parents_first(journal: Journal, db: Any) -> None:
    assert await journal.commit(opened("1")) == Committed(answer("open 1"))
    assert await rows(db, room) == [("1", "room 1", 1)]
    assert await rows(db, booking) == [("1-1", "1", "g1", NOON, ["quiet", "海景"], 1, 2)]
    assert await rows(db, guest) == [("g1", "Wang", NOON)]
    assert await counters.load_counts(db, "room", None) == {"open": 1}
    assert await idempotency.load_stored_answer(db, "desk", "open 1") == answer("open 1")
    assert await found(db, "海景") == ["1"]


async def test_a_key_used_before_gets_the_earlier_answer_and_nothing_is_written(journal: Journal, db: Any) -> None:
    await journal.commit(opened("1", "same"))
    said = await asyncio.gather(
        *(journal.commit(opened(f"{n}", "same")) for n in range(2, 9)), journal.commit(opened("9"))
    )
    assert said == [Replayed(answer("same"))] * 7 + [Committed(answer("open 9"))]
    assert [code for code, *_ in await rows(db, room)] == ["1", "9"]
    assert len(await rows(db, booking)) == 2
    assert await counters.load_counts(db, "room", None) == {"open": 2}


async def test_of_many_plans_for_one_version_one_is_written_and_the_others_leave_nothing(
    journal: Journal, db: Any
) -> None:
    await journal.commit(opened("1"))
    said = await asyncio.gather(*(journal.commit(renamed("1", 1, f"r{n}", f"title {n}")) for n in range(5)))
    assert sorted(type(s).__name__ for s in said) == ["Committed"] + ["Stale"] * 4
    (winner,) = (n for n, s in enumerate(said) if isinstance(s, Committed))
    assert await rows(db, room) == [("1", f"title {winner}", 2)]
    assert [ident for ident, *_ in await rows(db, booking)] == ["1-1", f"1-r{winner}"]
    assert await counters.load_counts(db, "room", None) == {"renamed": 1}
    assert [await idempotency.load_stored_answer(db, "desk", f"r{n}") is not None for n in range(5)] == [
        n == winner for n in range(5)
    ]
    assert (await found(db, "海景"), await found(db, "title")) == ([], ["1"])  # by what it is called now


async def test_one_batch_answers_each_plan_by_itself(journal: Journal, db: Any) -> None:
    for plan in (opened("1"), opened("2", "used"), opened("3")):
        await journal.commit(plan)
    before = db.round_trips
    said = await db.write([renamed("1", 1, "a"), opened("4", "used"), renamed("3", 7, "late"), opened("5")])
    assert said == [Committed(answer("a")), Replayed(answer("used")), Stale(), Committed(answer("open 5"))]
    assert db.round_trips - before <= 2  # the batch, and the answers to keys used before
    assert [(code, version) for code, _, version in await rows(db, room)] == [("1", 2), ("2", 1), ("3", 1), ("5", 1)]


async def test_one_bad_plan_never_fails_its_neighbours(journal: Journal, db: Any) -> None:
    bad = opened("9")
    bad = replace(bad, rows={**bad.rows, BOOKINGS: [Booking("9-1", "9", "g1", NOON, nights=0)]})
    said = await asyncio.gather(
        *(journal.commit(plan) for plan in [*(opened(f"{n}") for n in range(1, 9)), bad]), return_exceptions=True
    )
    assert all(isinstance(s, Committed) for s in said[:8]) and isinstance(said[8], Exception)
    assert len(await rows(db, room)) == len(await rows(db, booking)) == 8
    assert await counters.load_counts(db, "room", None) == {"open": 8}


async def test_a_row_no_guard_could_hold_back_is_refused_by_itself(journal: Journal, db: Any) -> None:
    stray = opened("1", rows={BOOKINGS: [Booking("1-1", "another room", "g1", NOON)]})
    said = await asyncio.gather(journal.commit(stray), journal.commit(opened("2")), return_exceptions=True)
    assert isinstance(said[0], ValueError) and isinstance(said[1], Committed)
    assert [code for code, *_ in await rows(db, room)] == ["2"]


async def test_a_plan_may_guard_rows_of_several_tables(journal: Journal, db: Any) -> None:
    car = VersionGuard(garage, "川A·12345", None)
    await journal.commit(opened("1", guards=(VersionGuard(room, "1", None), car), rows={
        ROOMS: [Room("1", "room 1")], GARAGES: [Garage(car.key)],
    }))  # fmt: skip
    both = renamed("1", 1, "both")
    late = replace(
        both, guards=(*both.guards, replace(car, expected=2)), rows={**both.rows, GARAGES: [Garage(car.key, 3)]}
    )
    assert await journal.commit(late) == Stale()
    assert (await rows(db, room), await rows(db, garage)) == ([("1", "room 1", 1)], [(car.key, 1)])
    right = replace(
        late, guards=(*both.guards, replace(car, expected=1)), rows={**both.rows, GARAGES: [Garage(car.key, 2)]}
    )
    parked = WritePlan(answer("parked"), (VersionGuard(garage, "川B", None),), {GARAGES: [Garage("川B")]})
    assert [type(s) for s in await db.write([right, parked])] == [Committed, Committed]
    assert (await rows(db, room), await rows(db, garage)) == ([("1", "new name", 2)], [(car.key, 2), ("川B", 1)])


async def test_a_shared_row_keeps_what_is_known(journal: Journal, db: Any) -> None:
    later = NOON.replace(hour=9)
    await journal.commit(opened("1"))
    await journal.commit(opened("2", rows={GUESTS: [Guest("g1", None, later)]}))
    assert await rows(db, guest) == [("g1", "Wang", later)]
    named, unnamed = (
        opened(code, rows={GUESTS: [Guest("g1", name, NOON)]}) for code, name in (("3", "Li"), ("4", None))
    )
    await db.write([named, unnamed])  # one row of the table, twice in a batch
    assert await rows(db, guest) == [("g1", "Li", NOON)]


async def test_a_plan_without_rows_keeps_its_answer_and_moves_its_counters(journal: Journal, db: Any) -> None:
    counted = WritePlan(answer("counted"), (), {}, {("room", "west", "asked for"): 2})
    assert await journal.commit(counted) == Committed(answer("counted"))
    assert await journal.commit(counted) == Replayed(answer("counted"))
    assert await counters.load_counts(db, "room", None) == {"asked for": 2}


def test_tables_are_written_parents_first_and_always_in_one_order() -> None:
    assert [write.table.name for write in in_dependency_order(frozenset({BOOKINGS, GUESTS, ROOMS}))] == [
        "guest",
        "room",
        "booking",
    ]
    names = [write.table.name for write in in_dependency_order(frozenset(write_plan.TICKET_WRITES))]
    place = {name: n for n, name in enumerate(names)}
    for name in names:
        for key in ours.tables[name].foreign_keys:
            assert place[key.column.table.name] <= place[name]


def test_a_batch_names_no_table_without_rows() -> None:
    batch = merge_plans([opened("1", rows={ROOMS: [Room("1", "room 1")], BOOKINGS: []})])
    assert list(batch.rows) == [ROOMS]
