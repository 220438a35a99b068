"""The look-up key replaced while the hotline works: callers, numbers, keys and sessions are found in every phase."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.audit.verification import Verified, verify
from hotline.database.columns import MatchesSearch
from hotline.database.prepared import PreparedQuery
from hotline.database.tables import stored_key
from hotline.operations import lookup_rotation
from hotline.operations.lookup_rotation import (
    advance_lookups,
    check_moved,
    count_credentials,
    drop_lookups,
    move_lookups,
    restore_lookup,
)
from hotline.operations.processes import SEEN_WITHIN, forget_process, note_process
from hotline.operations.stored_keys import DROPPED, DROPPED_KEPT, PROGRESS, LookupStep, delete_dropped, read_value
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.service.accounts import ActorCache, NewKey, NewPerson, add_key, add_person, authenticate
from hotline.organisation.service.sessions import LogInOrigin, NewSession, load_sessions, start_session
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Refused
from hotline.server_secret import lookup_keys, moves_lookups
from hotline.sms.store import add_to_stop_list, load_send_checks, remove_from_stop_list
from hotline.sms.tables import stop_list
from hotline.telephony.store import update_return_call
from hotline.telephony.tables import return_call, voice_call
from hotline.tickets.caller_lookup import load_caller_lookup
from hotline.tickets.context import Services
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.store.lists import search_expression
from hotline.tickets.tables import TICKET_WORDS, call, caller, ticket
from hotline.web.idempotency import RequestKey
from tests.conftest import Clock
from tests.operations.test_secret_rotation import DESK, OLD, PHONE, process

OTHER, KNOWN, FORGOTTEN = "+8613911112222", "+8613700000001", "+8613700000002"
STEPS = [LookupStep.ACCEPTED, LookupStep.USED, LookupStep.MOVED]


async def at_once(services: Services, work: Any, *given: Any, **named: Any) -> Any:
    return await services.db.transact(lambda c: work(c, *given, **named))


class Story:
    """What was done before the key was replaced, and is looked for afterwards. `told`: how many calls by number."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.told = clock, Counter[str]()
        self.key: Any = None
        self.token = ""
        self.codes = 0

    async def begin(self, it: Services) -> None:
        self.key = await add_key(it, NewKey("desk", Grant(frozenset({Role.OPERATOR}))), "test", self.clock())
        person = await add_person(
            it, NewPerson("wang", "王秀英", "correct horse battery 77", Grant(frozenset({Role.OPERATOR}))), self.clock()
        )
        self.person = person["id"]
        new = NewSession(self.person, LogInOrigin("192.0.2.7"))
        self.token = (await at_once(it, start_session, it, new, self.clock())).token
        await at_once(it, add_to_stop_list, OTHER, self.clock(), "test")
        await self.misses(it)
        for phone in (KNOWN, FORGOTTEN):  # whose tickets were stripped of the number; one has a card still
            await calls(it, f"路灯 {phone}", self.clock, phone)
            for table in (ticket, call):
                stripped = sa.update(table).where(table.c.phone == phone).values(phone=None)
                await at_once(it, lambda c, stripped=stripped: c.execute(stripped))
        await at_once(it, lambda c: c.execute(sa.delete(caller).where(caller.c.phone == FORGOTTEN)))

    async def misses(self, it: Services) -> None:
        """Nobody answers a call of the other number."""
        at, n = self.clock(), self.codes
        self.codes += 1
        missed = {
            "id": f"v{n}", "pbx": "pbx", "reference": f"r{n}", "direction": "in", "phone": OTHER, "state": "ended",
            "outcome": "missed", "offered_at": at, "ended_at": at, "moved_at": at, "time_unknown": False,
        }  # fmt: skip
        await at_once(it, lambda c: c.execute(sa.insert(voice_call).values(**missed)))
        await at_once(it, update_return_call, OTHER, f"return{n}", at, at.replace(year=2020))

    async def goes_on(self, it: Services, words: str, *, with_session: bool = True) -> None:
        """A call, and everything that is found by a number, a key or a session."""
        self.clock.forward(minutes=1)
        now = self.clock()
        await calls(it, words, self.clock, PHONE, "王秀英")
        self.told[PHONE] += 1
        actors = ActorCache()
        assert (await authenticate(it, actors, self.key["secret"], now)).roles == {Role.OPERATOR}
        if with_session:
            assert (await authenticate(it, actors, self.token, now)).id == self.person
            (mine,) = await load_sessions(it, self.person, now, self.token)
            assert mine.is_current
        found = await load_caller_lookup(it, PHONE, DESK, now)
        assert len([*found.open, *found.history]) == self.told[PHONE], words
        assert [name.name for name in found.names] == ["王秀英"] and found.names[0].calls == self.told[PHONE]
        assert (await load_send_checks(it.db, "x", OTHER, now, now)).stopped >= 1
        await self.misses(it)
        query = sa.select(return_call.c.missed).where(return_call.c.phone == OTHER, return_call.c.status == "open")
        assert (await at_once(it, lambda c: c.execute(query).scalars().all())) == [self.codes]
        for sought in (PHONE, "王秀英", "wangxiuying"):
            assert len(await numbers_with(it, sought)) == self.told[PHONE], sought
        proof = await at_once(it, verify, it.secret)
        assert isinstance(proof, Verified) and proof.tickets == self.told[PHONE] + 2, proof


async def calls(it: Services, words: str, clock: Clock, phone: str, name: str | None = None) -> None:
    request = WriteRequest(DESK, RequestKey("desk", words, "x", keep_body=False), clock())
    await take_call(it, IntakeRequest(Channel.PHONE, words, phone=phone, name=name), request, number_shown)


async def ids_of_callers(it: Services) -> set[str]:
    """As tickets and calls have them."""
    both = sa.union(sa.select(ticket.c.caller), sa.select(call.c.caller))
    return set(await at_once(it, lambda c: c.execute(both).scalars().all()))


async def numbers_with(it: Services, sought: str) -> list[str]:
    words = sa.table(TICKET_WORDS.table, sa.column(TICKET_WORDS.key, sa.String))
    query = PreparedQuery(sa.select(words.c.number).where(MatchesSearch(TICKET_WORDS, words.c.number, "words")))
    return [row.number for row in await it.db.rows(query, words=search_expression(sought, it.db.dialect))]


async def test_the_look_up_key_is_replaced_and_everybody_is_found_in_every_phase(
    db: Any, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup_rotation, "BATCH", 2)
    story = Story(clock)
    async with process(db, clock, tmp_path, OLD) as it:
        await story.begin(it)
        await story.goes_on(it, "停水")
        first = await ids_of_callers(it)
    for step in STEPS[:2]:
        async with AsyncExitStack() as stack:
            before = await stack.enter_async_context(process(db, clock, tmp_path, OLD))
            assert await at_once(before, advance_lookups, before.secret, clock()) is step
            after = await stack.enter_async_context(process(db, clock, tmp_path, OLD))
            assert len(lookup_keys(after.secret)) == 2
            for n in range(2):  # until the last process is restarted
                await story.goes_on(before, f"漏水 {step} {n} 前")
                # while one is left that does not accept the new key, nothing is written with it
                await story.goes_on(after, f"漏水 {step} {n} 后")
    async with process(db, clock, tmp_path, OLD) as it, process(db, clock, tmp_path, OLD) as server:
        assert moves_lookups(it.secret)
        assert len(await ids_of_callers(it)) == len(first) + 1  # one person, by two keys
        await at_once(it, add_to_stop_list, OTHER, clock(), "again")
        with pytest.raises(Refused, match="rotate --lookups"):
            await at_once(it, drop_lookups, it.secret, clock())
        whole, ran, places = it.db.transact, Counter[str](), list[Any]()

        for dies_after in (1, 4, 9):  # the machine stops between two batches, and the command is run again
            ran.clear()

            async def transact(work: Any, *given: Any, limit: int = dies_after) -> Any:
                ran["batches"] += 1
                if ran["batches"] > limit:
                    raise ArithmeticError("the machine stopped")
                return await whole(work, *given)

            monkeypatch.setattr(it.db, "transact", transact)
            with pytest.raises(ArithmeticError):
                await move_lookups(it)
            monkeypatch.setattr(it.db, "transact", whole)
            # it goes on where it was
            reached = await at_once(it, lambda c: read_value(c, it.secret, PROGRESS))
            places.append((reached["place"], str(reached["after"])) if reached else (0, ""))
            await story.goes_on(server, f"还没修 {dies_after}")
        assert places == sorted(set(places)), places
        done = await move_lookups(it)
        assert done.left == 0 and await at_once(it, advance_lookups, it.secret, clock()) is LookupStep.MOVED
        moved = await ids_of_callers(it)
        assert len(moved) == len(first) and not moved & first
        cards = sa.select(caller.c.id).where(caller.c.id.in_(moved))
        assert len(await at_once(it, lambda c: c.execute(cards).all())) == 2
        assert len(await at_once(it, lambda c: c.execute(sa.select(stop_list.c.at)).all())) == 1
        await story.goes_on(server, "来水了")
        counted = await at_once(it, count_credentials, it.secret, clock())
        assert counted == {"keys": 0, "sessions": 1, "recovery codes": 0}  # the key has followed when it was used
        await at_once(it, drop_lookups, it.secret, clock())
    async with process(db, clock, tmp_path, OLD) as it:
        assert len(lookup_keys(it.secret)) == 1 and await check_moved(it) == 0
        await story.goes_on(it, "谢谢", with_session=False)
        with pytest.raises(Refused, match="log in again"):
            await authenticate(it, ActorCache(), story.token, clock())
        assert await at_once(it, lambda c: remove_from_stop_list(c, OTHER)) is None
        assert not await at_once(it, lambda c: c.execute(sa.select(stop_list.c.at)).all())


async def test_no_look_up_key_is_used_or_dropped_while_a_process_would_not_know(
    db: Any, clock: Clock, tmp_path: Path
) -> None:
    """What is written with a key that was dropped can be opened by nobody; the dropped one is kept for a while."""
    async with AsyncExitStack() as stack:

        async def started() -> Services:
            return await stack.enter_async_context(process(db, clock, tmp_path, OLD))

        it, old = await started(), await started()
        for _ in range(3):  # its server and its worker, at once
            await forget_process(old)
            await asyncio.gather(note_process(old, clock()), note_process(old, clock()))
        assert await at_once(it, advance_lookups, it.secret, clock()) is LookupStep.ACCEPTED
        with pytest.raises(Refused, match="1 running processes do not accept"):
            await at_once(it, advance_lookups, it.secret, clock())
        await forget_process(old)
        middle = await started()
        await note_process(middle, clock())  # restarted: it accepts the new key, and writes with the earlier one
        assert await at_once(it, advance_lookups, it.secret, clock()) is LookupStep.USED
        it = await started()
        await at_once(it, add_to_stop_list, PHONE, clock(), "stop")
        assert (await move_lookups(it)).left == 0
        await at_once(middle, add_to_stop_list, OTHER, clock(), "stop")
        assert await check_moved(it) == 1 and await check_moved(it) == 0  # found, and moved
        with pytest.raises(Refused, match="write with the look-up key to be dropped"):
            await at_once(it, drop_lookups, it.secret, clock())
        clock.forward(minutes=SEEN_WITHIN.total_seconds() / 60 + 1)  # it was killed: its silence tells
        await at_once(it, drop_lookups, it.secret, clock())
        await at_once(middle, add_to_stop_list, KNOWN, clock(), "stop")  # and yet it was not
        it = await started()
        await at_once(it, remove_from_stop_list, KNOWN)
        assert len(await at_once(it, lambda c: c.execute(sa.select(stop_list.c.at)).all())) == 3  # not found
        await at_once(it, restore_lookup, it.secret, clock())
        it = await started()
        assert (await move_lookups(it)).moved["stop_list"] == 1
        await at_once(it, remove_from_stop_list, KNOWN)
        assert len(await at_once(it, lambda c: c.execute(sa.select(stop_list.c.at)).all())) == 2
        await at_once(it, drop_lookups, it.secret, clock())
        first = lookup_keys(it.secret)[1]
        clock.forward(days=DROPPED_KEPT.days // 2)
        assert await at_once(it, advance_lookups, it.secret, clock()) is LookupStep.ACCEPTED
        await at_once(it, drop_lookups, it.secret, clock())  # the second one does not take the place of the first
        await at_once(it, restore_lookup, it.secret, clock())
        it = await started()
        assert (await move_lookups(it)).left == 0
        it = await started()
        assert first not in lookup_keys(it.secret)
        await at_once(it, drop_lookups, it.secret, clock())
        clock.forward(days=DROPPED_KEPT.days // 2 + 1)
        await at_once(it, delete_dropped, clock())
        kept = await at_once(it, lambda c: c.execute(sa.select(stored_key.c.name)).scalars().all())
        assert [name for name in kept if name.startswith(DROPPED)] == [f"{DROPPED}.2"]
        clock.forward(days=DROPPED_KEPT.days + 1)
        await at_once(it, delete_dropped, clock())
        with pytest.raises(Refused, match="no dropped look-up key"):
            await at_once(it, restore_lookup, it.secret, clock())
