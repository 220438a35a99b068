"""Leases go by the database's clock. A worker whose own clock is wrong takes nothing that another holds, and what it
left behind waits for the lease and no longer. `clock` is the database's time; each worker brings a clock of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa

from hotline.database.leases import MARGIN
from hotline.delivery import store as outbox_store
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.model import Message
from hotline.delivery.notices import WebhookClient
from hotline.delivery.outbox import OutboxDispatcher
from hotline.inbound import store as inbound_store
from hotline.inbound.handlers import InboundHandler, InboundHandlers
from hotline.inbound.model import InboundKind
from hotline.inbound.processing import process_due
from hotline.inbound.rows import blank_row
from hotline.reporting import rollups
from hotline.reporting.service import figures
from hotline.reporting.service.exports import make_next_export
from hotline.reporting.store import exports
from hotline.runtime.retention import tidy
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from hotline.tickets.sla import store as sla_store
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import LIFT, Clock, Player

FAST, HOUR_FAST, SLOW = timedelta(seconds=120), timedelta(hours=1), timedelta(seconds=-120)
SECOND = timedelta(seconds=1)
SECRET = "whsec_" + "MDAw" * 8


class NoticeServer:
    """The notice address: keeps what came, answers `status`; while `closed` no request is answered."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.status = 200
        self._open = asyncio.Event()
        self._open.set()
        self.asked = asyncio.Semaphore(0)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.release()
        await self._open.wait()
        if self.status == 200:
            self.came.append(orjson.loads(request.content)["id"])
        return httpx.Response(self.status)

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def far() -> NoticeServer:
    return NoticeServer()


@dataclass
class Worker:
    """One worker process: its own clock is `off` from the database's."""

    services: Services
    sender: OutboxDispatcher[Services]

    @property
    def now(self) -> datetime:
        return self.services.clock()

    async def send(self) -> int:
        """Claim what is due and send it; how many were claimed, in one round."""
        launched = await self.sender.dispatch_due(self.now)
        await self.sender.settle_all()
        return launched

    async def send_all(self) -> None:
        while await self.send():
            pass

    async def kill(self) -> None:
        """It dies at its sends: nothing is marked, nothing is put back."""
        tasks = list(self.sender.in_flight)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


Start = Callable[[timedelta], Worker]


@pytest.fixture
async def start(services: Services, far: NoticeServer, clock: Clock) -> Any:
    client = httpx.AsyncClient(transport=httpx.MockTransport(far))

    def begin(off: timedelta = timedelta(0)) -> Worker:
        own = replace(services, clock=lambda: clock() + off)
        return Worker(own, OutboxDispatcher(own, DeliveryChannels(WebhookClient(client, "http://far/hook", SECRET))))

    yield begin
    await client.aclose()


async def ids(services: Services, status: str) -> list[str]:
    return [m.id for m in await outbox_store.load_messages(services.db, status, "", 100)]


async def test_a_worker_two_minutes_fast_sends_no_notice_that_another_is_sending(
    lift_ticket: Any, start: Start, far: NoticeServer, services: Services, clock: Clock
) -> None:
    right, fast = start(timedelta(0)), start(FAST)
    far.close()
    assert await right.sender.dispatch_due(right.now) == 2  # the resident's first, and the department's
    clock.now += outbox_store.LEASE - SECOND  # a slow send, within its lease
    assert await fast.sender.dispatch_due(fast.now) == 0
    far.open()
    await right.sender.settle_all()
    for worker in (fast, right, fast):
        await worker.send_all()
    assert sorted(far.came) == sorted(set(far.came)) == sorted(await ids(services, "sent"))
    assert len(far.came) == 3 and await ids(services, "queued") == []


async def test_a_worker_two_minutes_slow_holds_what_it_takes_for_the_whole_lease(
    lift_ticket: Any, start: Start, far: NoticeServer, services: Services, clock: Clock
) -> None:
    slow, right = start(SLOW), start(timedelta(0))
    far.close()
    assert await slow.sender.dispatch_due(slow.now) == 2  # due by the database's clock, though not yet by its own
    clock.now += outbox_store.LEASE - SECOND
    assert await right.sender.dispatch_due(right.now) == 0
    far.open()
    await slow.sender.settle_all()
    await right.send_all()
    assert len(far.came) == len(set(far.came)) == 3


async def test_what_a_worker_an_hour_fast_held_when_it_was_killed_is_sent_when_its_lease_ends(
    lift_ticket: Any, start: Start, far: NoticeServer, services: Services, clock: Clock
) -> None:
    fast = start(HOUR_FAST)
    far.close()
    assert await fast.sender.dispatch_due(fast.now) == 2
    for _ in range(2):
        await far.asked.acquire()
    await fast.kill()
    far.open()
    assert len(await ids(services, "leased")) == 2 and far.came == []
    restarted = start(timedelta(0))
    assert await restarted.send() == 0  # it may be alive
    clock.now += outbox_store.LEASE
    await restarted.send_all()
    assert len(far.came) == len(set(far.came)) == 3


async def test_what_a_worker_an_hour_fast_put_off_is_tried_again_in_seconds(
    lift_ticket: Any, start: Start, far: NoticeServer, services: Services, clock: Clock
) -> None:
    fast = start(HOUR_FAST)
    far.status = 503
    assert await fast.send() == 2
    far.status = 200
    restarted = start(timedelta(0))
    assert await restarted.send() == 0  # the wait after a failure is kept
    clock.now += outbox_store.LEASE
    await restarted.send_all()
    assert len(far.came) == len(set(far.came)) == 3


async def test_what_a_process_an_hour_fast_wrote_goes_out_now_and_not_in_an_hour(
    start: Start, far: NoticeServer, services: Services, clock: Clock
) -> None:
    fast, restarted = start(HOUR_FAST), start(timedelta(0))
    late = Message("late", "alarm", TicketNumber(""), "role:operator", {"text": "t", "text_zh": "t"}, fast.now)
    meant = replace(late, id="meant for the evening", partition="role:clerk", next_at=clock() + timedelta(hours=5))
    await services.db.transact(lambda c: outbox_store.add_messages(c, [late]))
    await services.db.transact(lambda c: outbox_store.add_messages(c, [meant]))
    await services.db.transact(
        lambda c: c.execute(sa.update(outbox_store.o).where(outbox_store.o.c.id == meant.id).values(created_at=clock()))
    )
    await restarted.send_all()
    assert far.came == []
    await tidy(restarted.services, restarted.now)  # every minute
    await restarted.send_all()
    assert far.came == ["late"]  # what was put off on purpose waits for its time


async def test_a_message_that_was_given_up_is_sent_again_at_once_when_asked_by_a_process_an_hour_fast(
    lift_ticket: Any, start: Start, far: NoticeServer, services: Services, clock: Clock
) -> None:
    fast, right = start(HOUR_FAST), start(timedelta(0))
    far.status = 400
    await right.send_all()
    far.status = 200
    dead = (await ids(services, "dead"))[0]
    assert await services.db.transact(lambda c: outbox_store.requeue(c, dead, fast.now))
    await right.send_all()
    assert dead in far.came


async def test_due_steps_that_a_worker_an_hour_fast_held_fire_when_its_lease_ends(
    lift_ticket: Any, start: Start, services: Services, clock: Clock
) -> None:
    clock.forward(hours=3)
    fast, right = start(HOUR_FAST), start(timedelta(0))
    held = await services.db.transact(lambda c: sla_store.claim_due_clocks(c, fast.now, "killed", 1000))
    assert held
    assert (await escalate_due(right.services, right.now)).claimed == 0
    clock.now += sla_store.LEASE - SECOND
    assert (await escalate_due(start(FAST).services, start(FAST).now)).fired == 0  # nor does a fast one take them
    clock.now += SECOND
    assert (await escalate_due(right.services, right.now)).fired > 0


async def test_a_step_that_a_worker_an_hour_fast_put_off_is_looked_at_again_within_a_minute(
    lift_ticket: Any, start: Start, services: Services, clock: Clock
) -> None:
    clock.forward(hours=3)
    fast, right = start(HOUR_FAST), start(timedelta(0))
    held = await services.db.transact(lambda c: sla_store.claim_due_clocks(c, fast.now, "fast", 1000))

    def put_off(c: sa.Connection) -> None:
        for row in held:
            sla_store.postpone_clock(c, row.id, row.number, "fast", timedelta(hours=2))

    await services.db.transact(put_off)
    clock.now += sla_store.MAX_POSTPONEMENT - SECOND
    assert (await escalate_due(right.services, right.now)).claimed == 0
    clock.now += SECOND
    assert (await escalate_due(right.services, right.now)).fired > 0


def a_text(key: str, now: datetime) -> dict[str, Any]:
    text = {"id": key, "kind": InboundKind.TEXT, "key": key, "text": "路灯坏了", "partition": key}
    return {**blank_row("test", now), **text}


async def status_of(services: Services, key: str) -> str:
    row = await inbound_store.load_item(services.db, key)
    assert row is not None
    return str(row.status)


@pytest.mark.parametrize("off", [FAST, HOUR_FAST, SLOW])
async def test_a_text_that_another_worker_holds_is_left_to_it_until_the_lease_ends(
    off: timedelta, start: Start, services: Services, clock: Clock
) -> None:
    """Whoever holds it and whoever looks: one of them has the wrong clock."""
    wrong, right = start(off), start(timedelta(0))
    for key, holder, other in (("held by the right", right, wrong), ("held by the wrong", wrong, right)):
        await services.inbox.save_to_database([a_text(key, clock())])
        held = await services.db.transact(lambda c, now=holder.now: inbound_store.claim(c, now, "killed", 10))
        assert [r.id for r in held] == [key]
        clock.now += inbound_store.LEASE - SECOND
        assert await process_due(other.services, other.now) == 0
        clock.now += SECOND
        assert await process_due(other.services, other.now) == 1
        assert await status_of(services, key) in ("done", "odd")


async def test_texts_that_a_process_an_hour_fast_kept_or_put_off_are_worked_off_at_once(
    start: Start, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, right = start(HOUR_FAST), start(timedelta(0))
    await services.inbox.save_to_database([a_text("put off", clock())])
    with monkeypatch.context() as broken:

        async def fail(*_: Any) -> None:
            raise RuntimeError("a fault")

        broken.setitem(
            services.parts, InboundHandlers, InboundHandlers(lambda: [InboundHandler(InboundKind.TEXT, fail)])
        )
        assert await process_due(fast.services, fast.now) == 1
    assert await status_of(services, "put off") == "kept"
    clock.now += 2 * SECOND
    assert await process_due(right.services, right.now) == 1
    await services.inbox.save_to_database([a_text("from the future", fast.now)])
    assert await process_due(right.services, right.now) == 0
    await tidy(right.services, right.now)
    assert await process_due(right.services, right.now) == 1


async def test_a_file_that_a_worker_an_hour_fast_was_making_is_made_anew_when_its_lease_ends(
    desk: Player, start: Start, services: Services, clock: Clock
) -> None:
    await desk.call(LIFT)
    asked = (await desk.post("/v1/exports", {"form": "csv"})).json()["id"]
    claimed = await services.db.transact(lambda c: exports.claim_export(c, "killed"))
    assert claimed is not None and claimed.id == asked
    right, fast = start(timedelta(0)), start(HOUR_FAST)
    clock.now += exports.LEASE - SECOND
    assert not await make_next_export(fast.services, fast.now)  # no double work
    assert await services.db.transact(lambda c: exports.renew_lease(c, asked, "killed", exports.LEASE, 1))
    clock.now += exports.LEASE - SECOND
    assert not await make_next_export(fast.services, fast.now)  # renewed with each page
    clock.now += SECOND
    assert await make_next_export(right.services, right.now)
    assert (await desk.get(f"/v1/exports/{asked}")).json()["status"] == "ready"


async def test_figures_that_a_worker_an_hour_fast_was_counting_are_counted_by_another_when_it_gave_up(
    lift_ticket: Any, start: Start, services: Services, clock: Clock
) -> None:
    fast, right = start(HOUR_FAST), start(timedelta(0))
    with pytest.MonkeyPatch.context() as broken:

        async def killed(*_: Any) -> bool:
            raise asyncio.CancelledError

        broken.setattr(figures, "_run_rebuild", killed)
        with suppress(asyncio.CancelledError):
            await figures.rebuild_rollups(fast.services, fast.now)
    clock.now += figures.REBUILD_ABANDONED_AFTER - SECOND
    assert not await figures.rebuild_rollups(right.services, right.now)
    assert not await figures.rebuild_rollups(fast.services, fast.now)
    clock.now += SECOND
    assert await figures.rebuild_rollups(right.services, right.now)


Claim = Callable[[Services, datetime, str], Awaitable[int]]


async def _claim_message(services: Services, now: datetime, token: str) -> int:
    return len(await services.db.transact(lambda c: outbox_store.claim(c, now, token, 10)))


async def _claim_step(services: Services, now: datetime, token: str) -> int:
    return len(await services.db.transact(lambda c: sla_store.claim_due_clocks(c, now, token, 1000)))


async def _claim_text(services: Services, now: datetime, token: str) -> int:
    return len(await services.db.transact(lambda c: inbound_store.claim(c, now, token, 10)))


async def _claim_file(services: Services, now: datetime, token: str) -> int:
    return int(await services.db.transact(lambda c: exports.claim_export(c, token)) is not None)


async def _claim_figures(services: Services, now: datetime, token: str) -> int:
    at = await services.db.time()  # as `figures.rebuild` asks for it
    return int(
        await services.db.transact(lambda c: rollups.claim_rebuild(c, at, at - figures.REBUILD_ABANDONED_AFTER, token))
    )


@pytest.mark.parametrize(
    ("claim", "longest"),
    [
        (_claim_message, outbox_store.LEASE),
        (_claim_step, sla_store.MAX_POSTPONEMENT),
        (_claim_text, inbound_store.LEASE),
        (_claim_file, exports.CLOSING),
        (_claim_figures, figures.REBUILD_ABANDONED_AFTER),
    ],
)
async def test_a_database_whose_clock_is_set_back_keeps_no_lease_for_longer_than_leases_last(
    claim: Claim, longest: timedelta, lift_ticket: Any, desk: Player, services: Services, clock: Clock
) -> None:
    assert (await desk.post("/v1/exports", {"form": "csv"})).status_code == 202
    await services.inbox.save_to_database([a_text("t", clock())])
    clock.forward(hours=3)
    true = clock.now
    clock.forward(hours=6)  # the database's clock is ahead
    assert await claim(services, true, "given by the wrong clock") > 0
    assert await claim(services, true, "another") == 0
    clock.now = true  # and is set back
    assert await claim(services, true, "another") > 0
    assert await claim(services, true, "a third") == 0  # what it gives now is a lease again
    clock.now -= timedelta(seconds=30)  # a small step back frees nothing: whoever holds it is at work
    assert await claim(services, true, "a third") == 0
    clock.now = true + longest + MARGIN
    assert await claim(services, clock.now, "a third") > 0


async def test_a_message_at_its_last_try_is_buried_when_its_lease_ends_and_not_by_a_fast_worker(
    lift_ticket: Any, start: Start, services: Services, clock: Clock
) -> None:
    right, fast = start(timedelta(0)), start(HOUR_FAST)
    held = await services.db.transact(lambda c: outbox_store.claim(c, right.now, "mine", 1))
    last = sa.update(outbox_store.o).where(outbox_store.o.c.id == held[0].id).values(attempts=outbox_store.MAX_TRIES)
    await services.db.transact(lambda c: c.execute(last))
    assert (await tidy(fast.services, fast.now))["buried"] == 0  # it is being sent
    clock.now += outbox_store.LEASE
    assert (await tidy(right.services, right.now))["buried"] == 1


async def test_the_times_that_a_test_moves_are_the_databases_own(services: Services) -> None:
    """Without a clock of the test, both databases tell the time themselves."""
    from hotline.database.leases import database_time

    db = services.db
    made = (
        type(db)(db.path)  # type: ignore[attr-defined, call-arg]
        if hasattr(db, "path")
        else type(db)(db.url.render_as_string(hide_password=False), size=1)  # type: ignore[attr-defined, call-arg]
    )
    try:
        before = await made.time()
        within = await made.transact(database_time)
        after = await made.time()
    finally:
        await made.close()
    assert before.tzinfo is not None and before <= within <= after
