"""Acting on incidents: proposed by the worker, then changed by people, rules and clock through one door."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hotline.database.engine import Committed, Replayed, Stale
from hotline.database.keyset import KeysetPage
from hotline.database.prepared import Row
from hotline.database.write_plan import StoredAnswer
from hotline.incidents import member_store, store
from hotline.incidents.cache import IncidentCache
from hotline.incidents.model.codes import FIRST_INCIDENT, IncidentCode, code_from_serial, parse_code
from hotline.incidents.model.grouping import (
    Proposal,
    is_effect_of,
    known_incident,
    may_be_same,
    teach_wording,
    tells_more,
    wording_data,
)
from hotline.incidents.model.incident import (
    TELLS_MORE,
    Incident,
    IncidentChange,
    IncidentCommand,
    IncidentEntry,
    IncidentFacts,
    IncidentMember,
)
from hotline.incidents.model.lifecycle import STALE_INCIDENT, decide_incident
from hotline.incidents.model.vocabulary import ACTIVE_STATES, ENDED_STATES, IncidentAction, IncidentField, IncidentState
from hotline.incidents.plans import build_incident_plan
from hotline.organisation.model.actors import RULES, Actor
from hotline.organisation.model.scopes import Scope, scope_of
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.text.numbering import parse_number
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import OPEN, offered_flag
from hotline.web.idempotency import ActionResult, replay_answer, replayed_or_refused, storable_answer

F, A = IncidentField, IncidentAction
NO_SUCH_INCIDENT = Refusal(Code.NOT_FOUND, "no such incident")
MOST_RELATED = 100  # incidents that have not ended, among which others of the same matter are looked for
_SERIES = "incident"  # the sequence that codes are taken from
RenderIncident = Callable[[Incident, bool], str]  # whether it could be reopened, were it over


async def load_visible_incident(services: Services, code: str, scope: Scope) -> Incident:
    """Raises Refused(NOT_FOUND) for both not there and not theirs."""
    read = parse_code(code)
    found = await store.load_incident(services.db, scope, read) if read is not None else None
    if found is None:
        raise Refused(NO_SUCH_INCIDENT)
    return found


async def load_related(services: Services, incident: Incident, scope: Scope) -> list[Incident]:
    """Other incidents within the scope that have not ended and may be the same matter, newest first."""
    if incident.state in ENDED_STATES:
        return []
    found = await store.load_incidents(services.db, scope, ACTIVE_STATES, KeysetPage(MOST_RELATED))
    directory = await services.directory.now(services.clock())
    return [other for other in found if other.code != incident.code and may_be_same(directory, incident, other)]


async def act_on_incident(
    services: Services, code: str, command: IncidentCommand, request: WriteRequest, render: RenderIncident
) -> ActionResult:
    """Apply a command to an incident and commit it; a repeat under the same key is given the first answer. Raises
    Refused where the incident is not in scope, the table does not allow the command, or its version is stale. The
    tickets follow at the worker's next step."""
    scope = request.scope or scope_of(request.actor)
    decided: IncidentChange | Refusal = NO_SUCH_INCIDENT
    read = parse_code(code)
    incident = await store.load_incident(services.db, scope, read) if read is not None else None
    if incident is not None:
        facts, command = await _facts_for(services, incident, command, request)
        decided = decide_incident(facts, command, request.actor, request.now)
        if isinstance(decided, IncidentChange) and command.action is A.SPLIT:
            facts = replace(facts, new_code=await take_code(services))
            decided = decide_incident(facts, command, request.actor, request.now)
    if isinstance(decided, IncidentChange):
        key, after = request.key, decided.after
        answer = StoredAnswer(
            key.owner, key.key, key.fingerprint, 200, render(after, facts.can_reopen), request.now, str(after.version)
        )
        outcome = await services.journal.commit(build_incident_plan(decided, storable_answer(answer, key)))
        if isinstance(outcome, Replayed):
            return replay_answer(outcome.answer, key)
        if not isinstance(outcome, Stale):
            services.part(IncidentCache).forget()
            return ActionResult(answer, replayed=False)
        decided = STALE_INCIDENT
    return await replayed_or_refused(services.db, request.key, decided)


async def _facts_for(
    services: Services, incident: Incident, command: IncidentCommand, request: WriteRequest
) -> tuple[IncidentFacts, IncidentCommand]:
    """What the command is decided on, and the command with its ticket numbers as they are written. A ticket that is not
    the actor's to see is not there."""
    fields: dict[Any, Any] = dict(command.fields)
    numbers = []
    if fields.get(F.TICKET):
        fields[F.TICKET] = parse_number(str(fields[F.TICKET])) or str(fields[F.TICKET])
        numbers = [fields[F.TICKET]]
    if fields.get(F.TICKETS):
        numbers = fields[F.TICKETS] = [parse_number(str(number)) or str(number) for number in fields[F.TICKETS]]
    scope = request.scope or scope_of(request.actor)
    members = await _members_for(services, incident, command.action, numbers)
    visible = await member_store.load_named_tickets(services.db, scope, numbers)
    # one that tells of more and was not merged by rule may be joined by hand
    named = {row.number: None if _is_offered(command, row) else row.incident for row in visible}
    ended = frozenset(row.number for row in visible if row.status not in OPEN)
    facts = IncidentFacts(incident, tuple(members), named=named, ended=ended)
    if command.action is A.MERGE:
        read = parse_code(str(fields.get(F.INCIDENT) or ""))
        target = await store.load_incident(services.db, scope, read) if read is not None else None
        facts = await _with_target(services, facts, target, request.now)
    return facts, replace(command, fields=fields)


def _is_offered(command: IncidentCommand, row: Row) -> bool:
    return command.action is A.JOIN and row.incident is not None and offered_flag(row.incident) in row.flags


async def _members_for(
    services: Services, incident: Incident, action: IncidentAction, numbers: Sequence[str]
) -> list[IncidentMember]:
    """The tickets of the incident that this action is decided on, however many it has."""
    if action is A.CONFIRM:
        return await member_store.load_parent_candidates(services.db, incident.code)
    if (incident.state is IncidentState.OVER or action is A.END) and incident.parent is not None:
        numbers = [*numbers, incident.parent]
    return await member_store.load_named_members(services.db, incident.code, numbers)


async def _with_target(
    services: Services, facts: IncidentFacts, target: Incident | None, now: datetime
) -> IncidentFacts:
    directory = await services.directory.now(now)
    is_cause = target is not None and is_effect_of(directory, target.category, facts.incident.category)
    return replace(facts, target=target, is_cause_of_target=is_cause)


async def take_code(services: Services) -> IncidentCode:
    """The next code; one that is not used is not given again."""
    return code_from_serial(await services.db.reserve(_SERIES, 1, FIRST_INCIDENT))


async def open_proposal(services: Services, proposal: Proposal, now: datetime) -> Incident | None:
    """Keep a proposed incident. None: another worker proposed the same a moment ago."""
    directory = await services.directory.now(now)
    found = [report.found for report in proposal.reports]
    code = await take_code(services)
    incident = Incident(
        code,
        IncidentState.PROPOSED,
        proposal.category,
        proposal.area,
        proposal.reach,
        first_call_at=min(report.at for report in proposal.reports),
        last_call_at=max(report.at for report in proposal.reports),
        created_at=now,
        updated_at=now,
        symptom=proposal.symptom,
        unit=proposal.unit,
        wording=wording_data(teach_wording(directory, proposal.category, found, ())),
        callers=proposal.callers,
        tickets=len(proposal.reports),
        entries=1,
    )
    known = known_incident(directory, incident)
    why = {report.number: TELLS_MORE if tells_more(directory, known, report) else "" for report in proposal.reports}
    incident = replace(incident, moves=tuple((number, code, reason) for number, reason in why.items()))
    entry = IncidentEntry(
        code, 1, now, RULES.kind, RULES.id, RULES.name, A.PROPOSE, None, IncidentState.PROPOSED,
        f"{proposal.callers} callers", {"tickets": [None, [report.number for report in proposal.reports]]},
    )  # fmt: skip
    key = f"incident:propose:{proposal.category}:{proposal.reports[0].number}"
    answer = _own_answer(key, now, "1")
    outcome = await services.journal.commit(build_incident_plan(IncidentChange(((incident, None),), (entry,)), answer))
    return incident if isinstance(outcome, Committed) else None


async def act_as_system(
    services: Services,
    incident: Incident,
    action: IncidentAction,
    actor: Actor,
    target: Incident | None = None,
    **fields: Any,
) -> Incident | None:
    """What rules or clock do to an incident at this version. None: not allowed, or it has changed meanwhile."""
    now = services.clock()
    named = {F(name): value for name, value in fields.items()}
    if target is not None:
        named[F.INCIDENT] = target.code
    command = IncidentCommand(action, incident.version, named)
    facts = IncidentFacts(incident, tuple(await _members_for(services, incident, action, ())))
    if target is not None:
        facts = await _with_target(services, facts, target, now)
    decided = decide_incident(facts, command, actor, now)
    if isinstance(decided, Refusal):
        return None
    key = f"incident:{incident.code}:{action}:{incident.version}"
    outcome = await services.journal.commit(
        build_incident_plan(decided, _own_answer(key, now, str(decided.after.version)))
    )
    services.part(IncidentCache).forget()
    return decided.after if isinstance(outcome, Committed) else None


def _own_answer(key: str, now: datetime, etag: str) -> StoredAnswer:
    return StoredAnswer(f"{RULES.kind}:{RULES.id}", key, "rules", 200, "", now, etag)
