"""Nobody locks anybody out, nobody guesses without end, and strangers do not delay whoever was here before."""

import asyncio
import threading
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewPerson, add_person
from hotline.organisation.service.logging_in import LogInAttempt, log_in, log_in_once
from hotline.organisation.service.password_hashing import MAX_WAITING, PasswordHashing
from hotline.organisation.service.person_changes import PersonUpdate, change_person
from hotline.refusals import Code, Refusal, Refused
from hotline.runtime.retention import tidy
from hotline.tickets.context import Services
from hotline.web import tables as web_tables
from hotline.web.idempotency import RequestKey
from tests.conftest import Clock

RIGHT = "a long sentence 9"
LI, CHEN = "li.min", "chen"
HOME, OFFICE = "192.0.2.1", "192.0.2.2"


class Quick:
    """Hashes in no time, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def hash(self, password: str) -> str:
        return f"hashed {password}"

    def verify(self, password: str, hash: str) -> bool:  # noqa: A002
        self.asked += 1
        return hash == f"hashed {password}"


class Slow(Quick):
    """Answers when it is let go; `begun` tells that it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()

    def verify(self, password: str, hash: str) -> bool:  # noqa: A002
        self.begun.release()
        assert self.let_go.wait(30)
        return super().verify(password, hash)


@pytest.fixture
async def staff(services: Services, clock: Clock) -> Services:
    """Li Min and Chen have log-ins."""
    services.hashing = PasswordHashing(Quick())
    for login in (LI, CHEN):
        await add_person(services, NewPerson(login, login, RIGHT, Grant(frozenset({Role.OPERATOR}))), clock())
    return services


async def tries(
    services: Services, clock: Clock, login: str, password: str, address: str | None = HOME, device: str | None = None
) -> Refusal | None:
    """Why it was refused; None: logged in."""
    try:
        await log_in(services, LogInAttempt(login, password, address, device), clock())
    except Refused as refused:
        return refused.refusal
    return None


async def wrong(services: Services, clock: Clock, login: str, address: str, device: str | None = None) -> Code:
    refusal = await tries(services, clock, login, "wrong", address, device)
    assert refusal is not None
    return refusal.code


async def test_wrong_passwords_from_elsewhere_do_not_keep_anybody_out(staff: Services, clock: Clock) -> None:
    for n in range(99):
        assert await wrong(staff, clock, LI, f"198.51.100.{n}") is Code.UNAUTHENTICATED
    assert await tries(staff, clock, LI, RIGHT, "203.0.113.7") is None


async def test_a_place_is_heard_eight_times_and_asking_on_does_not_make_it_longer(
    staff: Services, clock: Clock
) -> None:
    for _ in range(8):
        assert await wrong(staff, clock, LI, HOME) is Code.UNAUTHENTICATED
    for _ in range(14):
        clock.forward(minutes=1)
        stopped = await tries(staff, clock, LI, RIGHT)
        assert stopped is not None and stopped.code is Code.TOO_MANY
    assert stopped.retry_after == 60
    clock.forward(minutes=1)
    assert await tries(staff, clock, LI, RIGHT) is None


async def test_one_try_in_fourteen_minutes_locks_nobody(staff: Services, clock: Clock) -> None:
    for _ in range(30):
        assert await wrong(staff, clock, LI, HOME) is Code.UNAUTHENTICATED
        clock.forward(minutes=14)
    assert await tries(staff, clock, LI, RIGHT) is None


@pytest.mark.parametrize("device", [None, "a browser"])
async def test_sixty_failures_behind_one_address_keep_nobody_out_who_was_here_before(
    device: str | None, staff: Services, clock: Clock
) -> None:
    assert await tries(staff, clock, LI, RIGHT, OFFICE, device) is None
    for n in range(60):
        await wrong(staff, clock, f"guess{n}", OFFICE)
    assert await wrong(staff, clock, "guess99", OFFICE) is Code.TOO_MANY
    stopped = await tries(staff, clock, CHEN, RIGHT, OFFICE)
    assert stopped is not None and stopped.code is Code.TOO_MANY
    assert await tries(staff, clock, LI, RIGHT, OFFICE, device) is None
    clock.forward(minutes=15)
    assert await tries(staff, clock, CHEN, RIGHT, OFFICE) is None


async def test_a_known_browser_is_heard_wherever_it_is_and_whatever_others_try(staff: Services, clock: Clock) -> None:
    assert await tries(staff, clock, LI, RIGHT, HOME, "a browser") is None
    for n in range(100):
        await wrong(staff, clock, LI, f"198.51.100.{n}")
    for _ in range(9):  # its own address is used up by a neighbour
        await wrong(staff, clock, LI, HOME)
    assert await tries(staff, clock, LI, RIGHT, HOME, "a browser") is None
    assert await tries(staff, clock, LI, RIGHT, "203.0.113.9", "a browser") is None


async def test_a_known_browser_guesses_no_more_than_anybody(staff: Services, clock: Clock) -> None:
    assert await tries(staff, clock, LI, RIGHT, HOME, "a browser") is None
    for n in range(8):
        assert await wrong(staff, clock, LI, f"198.51.100.{n}", "a browser") is Code.UNAUTHENTICATED
    assert await wrong(staff, clock, LI, "198.51.100.9", "a browser") is Code.TOO_MANY


async def test_a_browser_known_for_one_log_in_is_a_stranger_to_another(staff: Services, clock: Clock) -> None:
    assert await tries(staff, clock, CHEN, RIGHT, OFFICE, "a browser") is None
    for n in range(100):
        await wrong(staff, clock, LI, f"198.51.100.{n}")
    codes = [await wrong(staff, clock, LI, OFFICE, "a browser") for _ in range(3)]
    assert codes == [Code.UNAUTHENTICATED, Code.UNAUTHENTICATED, Code.TOO_MANY]


async def test_a_thousand_tries_from_fifty_addresses_lock_nobody_out(staff: Services, clock: Clock) -> None:
    assert await tries(staff, clock, LI, RIGHT, HOME, "a browser") is None
    heard = 0
    for n in range(1000):
        heard += await wrong(staff, clock, LI, f"198.51.100.{n % 50}") is Code.UNAUTHENTICATED
        clock.forward(seconds=1)
    assert heard < 250  # of a thousand, and no more for trying on
    assert await tries(staff, clock, LI, RIGHT, "198.51.100.200") is None  # a new address, in their own network
    assert await tries(staff, clock, LI, RIGHT, "203.0.113.7") is None
    assert (
        await tries(staff, clock, LI, RIGHT, "198.51.100.7", "a browser") is None
    )  # the known device, behind one of them


async def test_under_attack_a_new_place_has_two_tries_and_not_eight(staff: Services, clock: Clock) -> None:
    for n in range(100):
        assert await wrong(staff, clock, LI, f"198.51.100.{n}") is Code.UNAUTHENTICATED
    codes = [await wrong(staff, clock, LI, "203.0.113.1") for _ in range(3)]
    assert codes == [Code.UNAUTHENTICATED, Code.UNAUTHENTICATED, Code.TOO_MANY]
    clock.forward(days=1)
    codes = [await wrong(staff, clock, LI, "203.0.113.1") for _ in range(9)]
    assert codes == [Code.UNAUTHENTICATED] * 8 + [Code.TOO_MANY]


async def test_whoever_logs_in_does_not_get_more_guesses_at_others(staff: Services, clock: Clock) -> None:
    for n in range(60):
        await wrong(staff, clock, f"guess{n}", OFFICE)
        if n == 50:
            assert await tries(staff, clock, CHEN, RIGHT, OFFICE) is None
    assert await wrong(staff, clock, "guess99", OFFICE) is Code.TOO_MANY


async def test_a_repeat_under_the_same_key_is_no_wrong_password(staff: Services, clock: Clock) -> None:
    given = set()
    for _ in range(12):
        asked = RequestKey("anybody", "a key", "a body", keep_body=True)
        done = await log_in_once(
            staff, LogInAttempt(LI, RIGHT, HOME), asked, lambda session: f'["{session.token}"]', clock()
        )
        given.add(done.answer.body)
    assert len(given) == 1
    for _ in range(12):
        reused = RequestKey("anybody", "a key", "another body", keep_body=True)
        with pytest.raises(Refused) as stopped:
            await log_in_once(
                staff, LogInAttempt(LI, RIGHT, HOME), reused, lambda session: f'["{session.token}"]', clock()
            )
        assert stopped.value.refusal.code is Code.KEY_REUSED
    assert await tries(staff, clock, LI, RIGHT) is None


async def test_one_line_with_many_ipv6_addresses_is_one_place(staff: Services, clock: Clock) -> None:
    for n in range(8):
        await wrong(staff, clock, LI, f"2001:db8:1:2::{n + 1:x}")
    assert await wrong(staff, clock, LI, "2001:db8:1:2:ffff::9") is Code.TOO_MANY
    assert await wrong(staff, clock, LI, "2001:db8:1:3::9") is Code.UNAUTHENTICATED
    for n in range(8):
        await wrong(staff, clock, CHEN, ("::ffff:192.0.2.77", "192.0.2.77")[n % 2])
    assert await wrong(staff, clock, CHEN, "192.0.2.77") is Code.TOO_MANY


async def test_a_log_in_that_is_not_there_is_told_and_costs_the_same(staff: Services, clock: Clock) -> None:
    quick = Quick()
    staff.hashing = PasswordHashing(quick)
    there = [await tries(staff, clock, LI, "wrong", HOME) for _ in range(9)]
    asked, quick.asked = quick.asked, 0
    nobody = [await tries(staff, clock, "nobody", "wrong", HOME) for _ in range(9)]
    assert nobody == there and quick.asked == asked == 8


async def test_the_hash_that_is_checked_for_nobody_costs_what_a_new_one_costs() -> None:
    hashing = PasswordHashing()
    assert hashing._nobody.rsplit("$", 2)[0] == (await hashing.hash("x" * 12)).rsplit("$", 2)[0]
    assert await hashing.verify("x" * 12, None, known=False) is False


async def test_many_tries_at_once_are_as_many_as_one_after_the_other(staff: Services, clock: Clock) -> None:
    codes = await asyncio.gather(*(wrong(staff, clock, LI, HOME) for _ in range(20)))
    assert codes.count(Code.UNAUTHENTICATED) + codes.count(Code.OVERLOADED) == 8
    assert codes.count(Code.TOO_MANY) == 12


async def test_counts_are_forgotten_and_name_nobody(staff: Services, clock: Clock) -> None:
    await wrong(staff, clock, LI, HOME)
    assert await tries(staff, clock, CHEN, RIGHT, OFFICE, "a browser") is None

    def kept(c: sa.Connection) -> list[Any]:
        return [tuple(row) for t in (web_tables.throttle, web_tables.known_place) for row in c.execute(sa.select(t))]

    rows = await staff.db.transact(kept)
    assert rows and not [word for word in (LI, CHEN, HOME, OFFICE, "browser") if word in str(rows)]
    clock.forward(days=91)
    await tidy(staff, clock())
    assert await staff.db.transact(kept) == []


# How many are hashed at once


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


def strangers(services: Services, clock: Clock, count: int) -> list[asyncio.Task[Refusal | None]]:
    return [asyncio.create_task(tries(services, clock, f"guess{n}", "wrong", f"198.51.100.{n}")) for n in range(count)]


@pytest.fixture
async def busy(staff: Services, clock: Clock) -> Any:
    """Every place of the strangers' lane is taken, and the rest has been refused."""
    assert await tries(staff, clock, LI, RIGHT, HOME) is None
    slow = Slow()
    staff.hashing = PasswordHashing(slow, processors=2)  # one stranger at a time
    flood = strangers(staff, clock, 24)
    await until(lambda: sum(task.done() for task in flood) == 24 - 1 - MAX_WAITING)
    yield slow, flood
    slow.let_go.set()
    await asyncio.gather(*flood)


async def test_a_flood_of_log_ins_is_refused_and_not_queued(staff: Services, clock: Clock, busy: Any) -> None:
    _, flood = busy
    refused = [task.result() for task in flood if task.done()]
    assert {(r.code, r.retry_after) for r in refused} == {(Code.OVERLOADED, 3)}
    late = await tries(staff, clock, CHEN, RIGHT, OFFICE)
    assert late is not None and late.code is Code.OVERLOADED


async def test_what_was_refused_unchecked_is_not_counted(staff: Services, clock: Clock, busy: Any) -> None:
    slow, flood = busy
    for _ in range(20):
        assert await wrong(staff, clock, CHEN, OFFICE) is Code.OVERLOADED
    slow.let_go.set()
    await asyncio.gather(*flood)
    assert await tries(staff, clock, CHEN, RIGHT, OFFICE) is None


async def test_a_flood_of_strangers_does_not_delay_whoever_was_here_before(
    staff: Services, clock: Clock, busy: Any
) -> None:
    slow, flood = busy
    assert slow.begun.acquire(timeout=30)  # one stranger is being checked
    known = asyncio.create_task(tries(staff, clock, LI, RIGHT, HOME))
    await until(lambda: slow.begun.acquire(blocking=False))  # and so is the known one, while the others wait
    assert sum(not task.done() for task in flood) == 1 + MAX_WAITING
    slow.let_go.set()
    assert await known is None


async def test_a_client_of_the_api_keeps_its_device_and_waits_for_no_stranger(
    staff: Services, clock: Clock, app: FastAPI
) -> None:
    """A call centre's client, at an address that a neighbour has used up, while 24 strangers log in at once."""
    given = {"login": LI, "password": RIGHT}
    transport = httpx.ASGITransport(app=app, client=(OFFICE, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        first = (await http.post("/v1/token", json=given)).json()
        again = (await http.post("/v1/token", json={**given, "device": first["device"]})).json()
        assert again["device"] == first["device"] and len(first["device"]) > 40
    slow = Slow()
    staff.hashing = PasswordHashing(slow, processors=2)
    flood = strangers(staff, clock, 24)
    await until(lambda: sum(task.done() for task in flood) == 24 - 1 - MAX_WAITING)
    assert slow.begun.acquire(timeout=30)
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))  # another line than before
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        unknown = await http.post("/v1/token", json=given)
        assert unknown.status_code == 503, unknown.text  # the lane of strangers is full
        known = asyncio.create_task(http.post("/v1/token", json={**given, "device": first["device"]}))
        await until(lambda: slow.begun.acquire(blocking=False))  # it is being checked, while the strangers wait
        assert sum(not task.done() for task in flood) == 1 + MAX_WAITING
        slow.let_go.set()
        assert (await known).status_code == 200
        for device in ("short", "x" * 101, "with a blank in the middle"):
            refused = await http.post("/v1/token", json={**given, "device": device})
            assert [e["field"] for e in refused.json()["errors"]] == ["device"] and device not in refused.text
    await asyncio.gather(*flood)


async def test_credentials_are_checked_while_every_hashing_thread_is_busy(
    staff: Services, clock: Clock, busy: Any, desk: Any
) -> None:
    assert (await desk.get("/v1/me")).status_code == 200


async def test_setting_a_password_waits_for_no_stranger_and_is_bounded_too(
    staff: Services, clock: Clock, busy: Any
) -> None:
    grant = Grant(frozenset({Role.OPERATOR}))
    made = await add_person(staff, NewPerson("new", "new", RIGHT, grant), clock())
    assert isinstance(made, dict)
    changed = await change_person(
        staff, ActorCache(), PersonUpdate(made["id"], 1, {"password": "another sentence 7"}), clock()
    )
    assert changed["version"] == 2
