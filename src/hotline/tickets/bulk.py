"""One action for many tickets: each goes through `act` with a version, a journal entry and a result of its own, and one
that is refused keeps no other from being done."""

import asyncio
import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hotline.database.deadlines import database_deadline
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.act import RenderReply, act
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Command
from hotline.tickets.model.undo import STEPS_APART
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult, Reply, RequestKey, load_earlier_answer, write_once

AT_ONCE = 16  # acts that wait for the journal together


@dataclass(frozen=True, slots=True)
class TicketSteps:
    """What is done to one ticket, in order: each step meets the version that the one before left. Where a step is
    refused, those behind it are not tried."""

    number: str
    steps: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class TicketOutcome:
    """What became of one ticket. `body`: the ticket as it is shown after the last step that was done; None: none was.
    `refusal` None: all steps were done."""

    number: str
    body: dict[str, Any] | None
    refusal: Refusal | None


RenderResults = Callable[[Sequence[TicketOutcome]], str]


async def act_on_many(
    services: Services,
    items: Sequence[TicketSteps],
    request: WriteRequest,
    render: RenderReply,
    render_results: RenderResults,
    *,
    in_turn: bool = False,
) -> ActionResult:
    """Act on each of these tickets; the reply has a result for each, in their order. A repeat under the same key is
    given the same reply; one that was cut off goes on with what was not done. `in_turn`: one after the other, where all
    of them change one ticket more. Raises Refused where the key was used for another request, or nothing is known of
    what was written."""
    if earlier := await load_earlier_answer(services, request.key):
        return earlier
    places = asyncio.Semaphore(1 if in_turn else AT_ONCE)

    async def work(item: TicketSteps) -> TicketOutcome:
        async with places:
            return await _act_on_one(services, item, request, render)

    # to the end of each, whatever fails: a request that ended before would leave some at work unseen
    results = await asyncio.gather(*(work(item) for item in items), return_exceptions=True)
    done: list[TicketOutcome] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    body = render_results(done)
    return await write_once(services, request.key, lambda _: Reply(200, body), request.now)


# one of many may be refused for these; with any other the request as a whole has failed, and can be repeated
_OF_ONE_TICKET = frozenset(
    {Code.NOT_FOUND, Code.NOT_NOW, Code.NOT_YOUR_ROLE, Code.STALE, Code.INCOMPLETE, Code.INVALID, Code.CONFLICT}
)


async def _act_on_one(
    services: Services, item: TicketSteps, request: WriteRequest, render: RenderReply
) -> TicketOutcome:
    body: dict[str, Any] | None = None
    version: int | None = None
    for place, command in enumerate(item.steps):
        if version is not None:
            command = replace(command, version=version)
        # each at a moment of its own, by which what it did to clocks and messages is known when it is undone
        at = request.now + place * STEPS_APART
        step = dataclasses.replace(request, key=_key_of_step(request.key, item.number, place), now=at)
        try:
            async with database_deadline(services.deadlines.write, writes=True):
                result = await act(services, item.number, command, step, render)
        except Refused as refused:
            if refused.refusal.code not in _OF_ONE_TICKET:
                raise
            return TicketOutcome(item.number, body, refused.refusal)
        body = orjson.loads(result.answer.body) if result.answer.body else body
        version = int(result.answer.etag or 0)
    return TicketOutcome(item.number, body, None)


def _key_of_step(whole: RequestKey, number: str, place: int) -> RequestKey:
    """A key of its own for each step, which follows from that of the whole."""
    digest = hashlib.sha256(f"{whole.key}\n{number}\n{place}".encode()).hexdigest()
    return RequestKey(whole.owner, f"bulk-{digest}", whole.fingerprint, whole.keep_body, whole.earlier)
