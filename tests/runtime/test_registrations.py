"""What packages declare is what a process does: messages by kind, what came in by kind, retention, nightly checks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from hotline.composition import CAPABILITIES, assemble_worker, upkeep_jobs
from hotline.database.prepared import Row
from hotline.delivery import store as outbox_store
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.handover import Handover
from hotline.delivery.message_kinds import MessageKind, MessageKinds, SendMessage
from hotline.delivery.model import AvailableChannels, Message, Way
from hotline.delivery.outbox import send_due_messages
from hotline.inbound.handlers import InboundHandlers
from hotline.inbound.model import InboundKind
from hotline.runtime.jobs import WorkerContext
from hotline.runtime.retention import RetentionRules, retention_job, tidy
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from tests.conftest import Clock, on_one_database

# by what is set up (SMS gateways, notice address): which messages of a kind can be handed over
REPLIES = {(True, True): "all", (True, False): "all", (False, True): "none", (False, False): "none"}
TO_RESIDENTS = {(True, True): "all", (True, False): "all", (False, True): "all", (False, False): "none"}
TO_OFFICERS = {(True, True): "all", (True, False): "to_officers", (False, True): "all", (False, False): "none"}
NOTICES = {(True, True): "all", (True, False): "none", (False, True): "all", (False, False): "none"}
WAYS = {
    "text": REPLIES, "resident": TO_RESIDENTS, "duty": TO_OFFICERS, "escalation": TO_OFFICERS, "department": NOTICES,
    "alarm": NOTICES, "gap": NOTICES,
}  # fmt: skip


@pytest.mark.parametrize("kind", WAYS)
def test_a_message_leaves_by_what_is_set_up(kind: str) -> None:
    kinds = MessageKinds(lambda: [kind for each in CAPABILITIES for kind in each.messages()])
    for (texts, notices), hooks in product(WAYS[kind], (True, False)):
        assert kinds.ways(AvailableChannels(texts, notices, hooks))(kind) == WAYS[kind][texts, notices]
        for hooked in ("event", "webhook"):
            assert kinds.ways(AvailableChannels(texts, notices, hooks))(hooked) == ("all" if hooks else "none")
    assert sorted(kinds.lasting) == ["event", "webhook"]  # these are tried for three days, and do not expire


class Pager:
    """A sender of a made-up package."""

    def __init__(self, handover: Handover[Services]) -> None:
        self.handover = handover

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        return self.page

    async def page(self, m: Row, token: str) -> None:
        await self.handover.batcher.write(lambda c: outbox_store.mark_sent(c, m.id, token))


async def test_a_kind_is_sent_by_the_package_that_declares_it(services: Services, clock: Clock) -> None:
    messages = [Message(f"m.{kind}", kind, TicketNumber(""), f"to:{kind}", {}, clock()) for kind in ("page", "fax")]
    await services.db.transact(lambda c: outbox_store.add_messages(c, messages))
    paging = MessageKinds(lambda: [MessageKind("page", lambda reach: Way.ALL, Pager)])
    town = replace(services, parts={**services.parts, MessageKinds: paging})
    assert (
        await send_due_messages(town, DeliveryChannels(), clock()) == 1
    )  # the other has no way out: nobody declares it
    found = [await outbox_store.load_message(services.db, message.id) for message in messages]
    assert [row and row.status for row in found] == ["sent", "queued"]


async def test_two_packages_cannot_declare_one_kind(services: Services) -> None:
    twice = MessageKinds(lambda: [MessageKind("page", lambda reach: Way.ALL, Pager)] * 2)
    with pytest.raises(ValueError, match="page"):
        twice.ways(AvailableChannels())("page")
    handlers = services.part(InboundHandlers)
    with pytest.raises(ValueError, match="text"):
        assert InboundHandlers(lambda: [handlers.by_kind["text"]] * 2).by_kind


async def test_everything_that_can_be_pushed_has_a_handler(services: Services) -> None:
    """A body that cannot be read waits for a person from the start."""
    assert set(services.part(InboundHandlers).by_kind) == set(InboundKind) - {InboundKind.BODY}


async def test_every_rule_of_retention_is_applied(services: Services, clock: Clock) -> None:
    names = [rule.name for rule in services.part(RetentionRules).rules]
    assert sorted(names) == [
        "ahead", "answers", "attachments", "buried", "callers", "calls", "events", "expired", "exports", "feed_tokens", "inbound", "inbound_ahead", "models",
        "provider_sessions", "recordings", "repeat_search", "second_factors", "sessions", "spent_proofs", "stream", "texts", "throttles", "tickets", "tries",
    ]  # fmt: skip
    assert list(await tidy(services, clock())) == names


@on_one_database
async def test_the_checks_are_made_once_a_night(services: Services, clock: Clock) -> None:
    made: list[datetime] = []
    context = WorkerContext(services)

    async def count(asked: WorkerContext) -> None:
        assert asked is context
        made.append(clock())

    retain = retention_job(context, [count])
    clock.now = clock().replace(hour=2, minute=59)
    for _ in range(3 * 24 * 2):  # three nights, every half hour
        await retain.step()
        clock.forward(minutes=30)
    assert [moment.hour for moment in made] == [3, 3, 3]
    assert made[1] - made[0] == timedelta(days=1)


async def test_an_api_process_does_what_no_worker_of_it_does(services: Services) -> None:
    worker = assemble_worker(WorkerContext(services))
    assert {job.name for job in upkeep_jobs(services, None)} == {"last_use", "model", "presence", "refresh", "spool"}
    assert {job.name for job in upkeep_jobs(services, worker)} == {"last_use", "refresh"}
    assert sorted(worker.jobs) == [
        "adoption", "audit", "calls", "certificates", "chaining", "checkpoints", "clocks", "departures", "duty_turns", "exports", "figures", "inbound", "incidents",
        "learning", "model", "outbox", "presence", "reckoning", "repeats", "reports", "retention", "search_index", "signing", "spool", "weights",
    ]  # fmt: skip
