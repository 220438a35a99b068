"""A storm: three hundred people call about one burst main within ten minutes, among three hundred ordinary calls."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.delivery.tables import outbox
from hotline.incidents.cache import IncidentCache
from hotline.incidents.watch import IncidentWatch
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.write_request import WriteRequest
from hotline.tickets.context import Services
from hotline.tickets.intake import take_call
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.tables import assignment, ticket, timeline
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.web.idempotency import RequestKey
from tests.conftest import NOON, Clock, Player
from tests.incidents.storm_calls import storm

COLUMNS = ("number", "incident", "parent", "status", "created_at")
MOST_FALSE_ALARMS = 2  # of 298 harmless calls about the main: those that triage takes for a danger
SOON = timedelta(seconds=60)
WORKER_EVERY = timedelta(seconds=5)  # in life once a second


@pytest.mark.timeout(60)
async def test_a_storm_becomes_one_incident_and_each_danger_in_it_rings(
    services: Services, desk: Player, clock: Clock
) -> None:
    calls = storm()
    watch, numbers = IncidentWatch(services), dict[str, Any]()
    next_step = NOON
    for n, call in enumerate(calls):
        clock.now = NOON + timedelta(seconds=call.at)
        while next_step <= clock.now:
            await watch.step()
            next_step += WORKER_EVERY
        request = WriteRequest(desk.actor, RequestKey("storm", str(n), "x", keep_body=False), clock.now)
        intake = IntakeRequest(Channel.PHONE, call.narrative, phone=call.phone)
        done = await take_call(services, intake, request, lambda facts, *_: str(facts.ticket.number))
        numbers[str(done.number)] = call
    clock.forward(seconds=5)
    while await watch.step():
        pass
    await watch.step()

    def read(c: sa.Connection) -> tuple[list[Any], ...]:
        return (
            list(c.execute(sa.select(*(ticket.c[name] for name in COLUMNS)))),
            list(c.execute(sa.select(assignment).where(assignment.c.closed_at.is_(None)))),
            list(c.execute(sa.select(outbox).where(outbox.c.kind == "duty"))),
            list(c.execute(sa.select(timeline.c.number, timeline.c.at).where(timeline.c.action == "link"))),
        )

    tickets, orders, duty, linked = await services.db.transact(read)
    joined = dict(linked)  # those that are not in it belonged to the incident as they came in
    found = Counter(t.incident for t in tickets if t.incident is not None)
    code, size = found.most_common(1)[0]
    # of the ordinary calls some become incidents of their own, as five buildings without power do
    apart = [numbers[t.number] for t in tickets if t.incident not in (None, code)]
    print("storm: about the main, in another incident:", [call.narrative for call in apart if call.main])
    assert not any(call.main for call in apart)
    members = {t.number: t for t in tickets if t.incident == code}
    rightly = [t for number, t in members.items() if numbers[number].main]
    # an incident is there with the fifth call at the earliest
    fifth = sorted(t.created_at for t in tickets if numbers[t.number].main)[4]
    soon = [t for t in rightly if joined.get(t.number, t.created_at) - max(t.created_at, fifth) <= SOON]
    assert len(soon) >= 270
    assert len(rightly) / size >= 0.97
    merged = {number for number, t in members.items() if t.status == "merged"}
    print(f"storm: {size} calls in the incident, {len(rightly)} of them rightly, {len(soon)} within a minute")
    (parent,) = {members[number].parent for number in merged}
    theirs = merged | {parent}
    assert [o.number for o in orders if o.number in theirs and o.part == "lead"] == [parent]
    assert len([m for m in duty if m.number in theirs]) == 1
    dangers = {number for number, call in numbers.items() if call.danger}
    for number in dangers:
        assert [m for m in duty if m.number == number], numbers[number].narrative
        assert members[number].status == "dispatched"
    falsely = {m.number for m in duty if numbers[m.number].main} - theirs - dangers
    print(f"storm: {len(falsely)} harmless calls about the main that rang: {[numbers[n].narrative for n in falsely]}")
    assert len(falsely) <= MOST_FALSE_ALARMS
    known = build_lexicon(await services.directory.now(clock.now))
    # what triage takes for a danger rings, rightly or not: an incident never decides that
    assert all(advise(known, numbers[number].narrative).dangers for number in falsely)


async def test_intake_asks_the_open_incidents_in_memory(services: Services, clock: Clock, desk: Player) -> None:
    """With an incident open, a call costs intake a look-up in memory, and no query."""
    calls = [call for call in storm(60, 60) if not call.danger]
    for n, call in enumerate(calls):
        await desk.call(call.narrative, caller={"phone": call.phone}, headers={"Idempotency-Key": str(n)})
    watch = IncidentWatch(services)
    while await watch.step():
        pass
    cache = services.part(IncidentCache)
    clock.forward(seconds=2)
    assert await cache.now(clock.now)
    known = build_lexicon(await services.directory.now(clock.now))
    asked = [(IntakeRequest(Channel.PHONE, c.narrative), advise(known, c.narrative)) for c in calls]
    before = services.db.round_trips
    for intake, advice in asked:
        await cache.match(intake, advice, clock.now)
    assert services.db.round_trips == before
