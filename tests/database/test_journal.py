"""2xx means committed; one bad change never fails its neighbours; one key, one effect; one version, one winner."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.database import idempotency
from hotline.database.engine import Committed, CommitUnknown, DatabaseFull, DatabaseUnavailable, Replayed, Stale
from hotline.database.journal import Journal, Overloaded
from hotline.database.prepared import PreparedQuery
from hotline.database.tables import answer as answer_table
from hotline.database.write_plan import StoredAnswer, WritePlan
from hotline.organisation.model.actors import ActorKind
from hotline.server_secret import digest_key
from hotline.text.numbering import FIRST, number_from_serial
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import decide
from hotline.tickets.model import counter_deltas
from hotline.tickets.model.ticket import Change, Entry, Facts, TicketWrite
from hotline.tickets.model.vocabulary import Action
from hotline.tickets.store import counters
from hotline.tickets.tables import ticket, timeline
from hotline.tickets.write_plan import build_write_plan
from tests.conftest import NOON, SECRET, Cast, Player
from tests.tickets.make import a_ticket, as_role, complete

KEY = digest_key(SECRET)
COUNT = {
    t.name: PreparedQuery(sa.select(sa.func.count().label("n")).select_from(t))
    for t in (ticket, timeline, answer_table)
}


async def count(db: Any, table: sa.Table) -> int:
    return int((await db.rows(COUNT[table.name]))[0].n)


def opened(serial: int, **over: Any) -> Change:
    it = a_ticket(number=number_from_serial(FIRST + serial), **over)
    entry = Entry(it.number, 1, NOON, ActorKind.PERSON, "p", "p", Action.RECEIVE, None, "received")
    facts = Facts(it)
    return Change(
        facts,
        (TicketWrite(it, None),),
        entries=(entry,),
        tallies=counter_deltas.counter_deltas(None, facts),
        texts=(it,),
    )


def new(serial: int, key: str | None = None, **over: Any) -> WritePlan:
    return build_write_plan(
        opened(serial, **over), StoredAnswer("o", key or f"k{serial}", "f", 201, f"body {serial}", NOON, "1"), KEY
    )


def acted(serial: int, action: Action, key: str) -> WritePlan:
    """Something done to the ticket `new(serial)` at its first version."""
    facts = opened(serial).after
    done = decide(facts, complete(action, facts), as_role("operator"), NOON)
    assert isinstance(done, Change)
    return build_write_plan(done, StoredAnswer("o", key, "f", 200, key, NOON, str(done.after.ticket.version)), KEY)


async def test_one_bad_change_never_fails_its_neighbours(services: Services, db: Any) -> None:
    poison = new(20, kind="no kind", address=None)
    said = await asyncio.gather(
        *(services.journal.commit(i) for i in [*map(new, range(20)), poison]), return_exceptions=True
    )
    assert all(isinstance(s, Committed) for s in said[:20])
    assert isinstance(said[20], Exception)
    assert await count(db, ticket) == 20


async def test_of_many_acting_on_one_version_exactly_one_wins(services: Services, db: Any) -> None:
    await services.journal.commit(new(1))
    said = await asyncio.gather(*(services.journal.commit(acted(1, Action.URGE, f"u{n}")) for n in range(6)))
    assert [type(s) for s in said].count(Committed) == 1
    assert [type(s) for s in said].count(Stale) == 5
    assert await count(db, timeline) == 2
    lost = [n for n, s in enumerate(said) if isinstance(s, Stale)]
    # a stale change leaves no key behind: its repeat is no success
    assert await idempotency.load_stored_answer(db, "o", f"u{lost[0]}") is None


async def test_a_key_used_before_is_answered_as_before_and_does_nothing(services: Services, db: Any) -> None:
    assert isinstance(await services.journal.commit(new(1, "same")), Committed)
    said = await asyncio.gather(*(services.journal.commit(new(n, "same")) for n in range(2, 30)))
    assert all(isinstance(s, Replayed) and s.answer.body == "body 1" for s in said)
    assert await count(db, ticket) == 1


async def test_two_processes_on_one_database_never_double_a_key_or_a_version(services: Services, db: Any) -> None:
    """Two processes' worth of batchers: the database, not the process, decides."""
    second = Journal(db)
    second.start()
    try:
        said = await asyncio.gather(
            *(j.commit(new(n, f"k{n % 10}")) for n in range(60) for j in (services.journal, second))
        )
        assert [type(s) for s in said].count(Committed) == 10
        assert await count(db, ticket) == 10
        await services.journal.commit(new(99))
        both = await asyncio.gather(
            *(
                j.commit(acted(99, Action.URGE, f"u{n}{j is second}"))
                for n in range(5)
                for j in (services.journal, second)
            )
        )
        assert [type(s) for s in both].count(Committed) == 1
        assert await counters.load_counter_drift(db) == {}
    finally:
        await second.drain()


async def test_a_caller_who_hangs_up_is_still_written_once(services: Services, db: Any) -> None:
    waiting = asyncio.create_task(services.journal.commit(new(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await services.journal.commit(new(1))  # the same key: whichever of the two is first, there is one
    await services.journal.drain()
    assert await count(db, ticket) == 1


async def test_a_full_queue_refuses_acts_first_and_calls_last(db: Any) -> None:
    journal = Journal(db, max_waiting=10)  # not started: nothing is taken out
    waiting = [asyncio.create_task(journal.commit(new(n), priority=True)) for n in range(8)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await journal.commit(new(50))
    waiting += [asyncio.create_task(journal.commit(new(n), priority=True)) for n in (8, 9)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await journal.commit(new(51), priority=True)
    journal.start()
    assert all(isinstance(s, Committed) for s in await asyncio.gather(*waiting))
    await journal.drain()
    with pytest.raises(Overloaded):
        await journal.commit(new(52), priority=True)


async def test_draining_writes_what_waits(db: Any) -> None:
    journal = Journal(db)
    journal.start()
    waiting = [asyncio.create_task(journal.commit(new(n))) for n in range(150)]
    await asyncio.sleep(0)
    await journal.drain()
    assert all(isinstance(t.result(), Committed) for t in waiting)
    assert await count(db, ticket) == 150


async def test_a_batch_of_one_and_of_sixty_four_take_the_same_number_of_statements(services: Services, db: Any) -> None:
    before = db.round_trips
    await services.journal.commit(new(1))
    one = db.round_trips - before
    before = db.round_trips
    outcomes = await db.write([new(n) for n in range(100, 164)])
    assert db.round_trips - before == one == 1
    assert len(outcomes) == 64


async def test_a_call_takes_at_most_three_round_trips_and_so_does_an_action(
    desk: Player, lifts: Player, db: Any
) -> None:
    # the key, the directory and a block of numbers are at hand now
    t = await desk.call("电梯坏了", category="dt-fault")
    before = db.round_trips
    t = await desk.call("电梯又坏了", category="dt-fault", caller={"phone": "13800138000"})
    assert db.round_trips - before <= 3
    await lifts.see(t)
    before = db.round_trips
    await lifts.order(t, "accept")
    assert db.round_trips - before <= 3


async def test_a_list_of_one_and_of_fifty_take_the_same_number_of_statements(desk: Player, db: Any) -> None:
    for n in range(50):
        await desk.call(f"{n}号停水", category="sdq-water")
    spent = []
    for limit in (1, 50):
        before = db.round_trips
        page = (await desk.get("/v1/departments/water/queue", params={"limit": limit})).json()
        assert len(page["items"]) == limit
        spent.append(db.round_trips - before)
    assert spent[0] == spent[1] <= 2  # its stamp, and the page


async def test_a_watched_queue_is_read_again_only_when_it_has_moved(desk: Player, switch: Player, db: Any) -> None:
    t = await desk.call("停水", category="sdq-water")
    first = await desk.get("/v1/departments/water/queue")
    before = db.round_trips
    again = await desk.get("/v1/departments/water/queue", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, db.round_trips - before) == (304, b"", 1)
    t = await desk.act(t, "urge", reason="又打来了")
    moved = await desk.get("/v1/departments/water/queue", headers={"if-none-match": first.headers["etag"]})
    assert (moved.status_code, moved.json()["items"][0]["urges"]) == (200, 1)
    await switch.act(t, "recall", reason="派错了")
    assert (await desk.get("/v1/departments/water/queue")).json()["items"] == []


async def test_a_cached_queue_still_turns_overdue_by_the_clock(desk: Player, clock: Any) -> None:
    await desk.call("停水", category="sdq-water", priority="urgent")
    assert (await desk.get("/v1/departments/water/queue")).json()["items"][0]["overdue"] is False
    clock.forward(hours=25)
    assert (await desk.get("/v1/departments/water/queue")).json()["items"][0]["overdue"] is True


async def test_sixty_four_clients_with_one_key_make_one_ticket_and_get_equal_answers(desk: Player, db: Any) -> None:
    headers = {"idempotency-key": "one-call"}
    body = {"channel": "phone", "narrative": "路灯坏了", "caller": {"phone": "13800138000"}}
    replies = await asyncio.gather(*(desk.post("/v1/calls", body, headers=headers) for _ in range(64)))
    assert {r.status_code for r in replies} == {201}
    assert len({r.content for r in replies}) == 1
    assert sum("idempotency-replayed" in r.headers for r in replies) == 63
    assert await count(db, ticket) == 1
    assert len({r.headers["etag"] for r in replies}) == 1


async def test_of_two_handlers_with_one_version_one_gets_200_and_one_412(
    lift_ticket: dict[str, Any], lifts: Player, cast: Cast
) -> None:
    property_ = await cast("property")
    path = f"/v1/tickets/{lift_ticket['number']}/assignments/{lift_ticket['assignments'][0]['id']}/actions/accept"
    headers = {"if-match": f'"{lift_ticket["version"]}"'}
    replies = await asyncio.gather(lifts.post(path, {}, headers=headers), property_.post(path, {}, headers=headers))
    assert sorted(r.status_code for r in replies) == [200, 412]


async def test_a_retry_of_an_action_meets_the_world_its_first_try_made(
    lift_ticket: dict[str, Any], lifts: Player
) -> None:
    first = await lifts.order(lift_ticket, "accept", key="accept-1")
    again = await lifts.order(lift_ticket, "accept", key="accept-1")  # the version it sends is stale by its own doing
    assert again == first
    other = await lifts.order(lift_ticket, "accept", key="accept-2", expect=412)
    assert other["type"].endswith("stale")


@pytest.mark.parametrize(
    ("fault", "status", "code", "applied", "again"),
    [
        (DatabaseUnavailable("busy"), 503, "unavailable", False, "2"),
        (DatabaseFull(), 507, "storage-full", False, "30"),
        (CommitUnknown(), 503, "outcome-unknown", "unknown", "1"),
        (Overloaded(), 503, "overloaded", False, "1"),
    ],
    ids=["away", "full", "unsure", "overloaded"],
)
async def test_a_database_fault_is_reported_in_the_words_of_the_database(
    fault: Any, status: int, code: str, applied: Any, again: str, desk: Player, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = db.write

    async def broken(batch: Any) -> Any:
        raise fault

    monkeypatch.setattr(db, "write", broken)
    reply = await desk.post(
        "/v1/calls", {"channel": "phone", "narrative": "路灯坏了"}, headers={"idempotency-key": "k"}
    )
    body = reply.json()
    assert (reply.status_code, body["type"], body["applied"]) == (status, f"urn:hotline:problem:{code}", applied)
    assert reply.headers["retry-after"] == again
    monkeypatch.setattr(db, "write", real)
    await desk.call("路灯坏了", headers={"idempotency-key": "k"})  # it goes on by itself, and there is one
    assert await count(db, ticket) == 1


async def test_an_unavailable_database_is_reported_and_nothing_is_half_done(
    desk: Player, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = db.write

    async def away(batch: Any) -> Any:
        raise DatabaseUnavailable("the database does not answer")

    monkeypatch.setattr(db, "write", away)
    reply = await desk.post("/v1/calls", {"channel": "phone", "narrative": "路灯坏了"})
    assert (reply.status_code, reply.json()["applied"], reply.headers["retry-after"]) == (503, False, "2")
    monkeypatch.setattr(db, "write", real)
    await desk.call("路灯坏了")
    assert await count(db, ticket) == 1
