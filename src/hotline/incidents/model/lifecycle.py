"""The life of an incident as a table: what may happen, when, by whom and with what. Replies, forms, OpenAPI words and
tests are derived from it."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hotline.incidents.model.incident import (
    Incident,
    IncidentChange,
    IncidentCommand,
    IncidentEntry,
    IncidentFacts,
    IncidentMember,
)
from hotline.incidents.model.vocabulary import ACTIVE_STATES, ENDED_STATES, IncidentAction, IncidentField, IncidentState
from hotline.organisation.model.actors import Actor, Role
from hotline.refusals import Code, Refusal
from hotline.text.numbering import TicketNumber
from hotline.tickets.model.vocabulary import OPEN, TicketStatus

S, A, F, R = IncidentState, IncidentAction, IncidentField, Role
MOST_SPLIT = 200  # tickets that are split off at once


@dataclass(frozen=True, slots=True)
class IncidentMove:
    """One row: at this state, this action leads there, by these roles, with these fields."""

    at: IncidentState
    action: IncidentAction
    to: IncidentState
    by: frozenset[Role]
    fields: tuple[IncidentField, ...]


def _row(
    at: IncidentState, action: IncidentAction, to: IncidentState, by: Iterable[Role], *needs: IncidentField
) -> IncidentMove:
    return IncidentMove(at, action, to, frozenset(by), needs)


_BENCH = {R.DISPATCHER, R.SUPERVISOR}
_DESK = {R.OPERATOR, R.DISPATCHER, R.SUPERVISOR}

INCIDENT_MOVES: tuple[IncidentMove, ...] = (
    #    at           action      to            by                   needs
    _row(S.PROPOSED,  A.CONFIRM,  S.OPEN,       _BENCH | {R.RULES}),  # by rule: at `confirm_at`
    _row(S.PROPOSED,  A.DISMISS,  S.DISMISSED,  _BENCH | {R.CLOCK},  F.REASON),
    _row(S.OPEN,      A.CONTAIN,  S.CONTAINED,  _BENCH),
    _row(S.CONTAINED, A.REOPEN,   S.OPEN,       _BENCH,              F.REASON),  # worse again
    _row(S.OPEN,      A.END,      S.OVER,       _BENCH | {R.CLOCK},  F.TEXT),  # the final word to every caller
    _row(S.CONTAINED, A.END,      S.OVER,       _BENCH | {R.CLOCK},  F.TEXT),
    _row(S.OVER,      A.REOPEN,   S.OPEN,       _BENCH | {R.RULES},  F.REASON),  # by rule: its parent was reopened
    # the same matter as another incident; by rule: the effect of its cause
    *(_row(at,        A.MERGE,    S.MERGED,     _BENCH | {R.RULES},  F.INCIDENT) for at in ACTIVE_STATES),

    # the state stays
    *(_row(at,        A.SPLIT,    at,           _BENCH,              F.TICKETS, F.REASON) for at in ACTIVE_STATES),
    *(_row(at,        A.JOIN,     at,           _DESK,               F.TICKET) for at in ACTIVE_STATES),
    *(_row(at,        A.LEAVE,    at,           _DESK,               F.TICKET, F.REASON) for at in ACTIVE_STATES),
    *(_row(at,        A.COMMENT,  at,           _DESK,               F.TEXT) for at in S),
)  # fmt: skip

# What an action may carry beside what it needs.
OPTIONAL_INCIDENT_FIELDS: Mapping[IncidentAction, tuple[IncidentField, ...]] = {
    A.CONFIRM: (F.REASON,),
    A.CONTAIN: (F.TEXT,),
    A.END: (F.TEXT_EN,),
    A.JOIN: (F.REASON,),
    A.MERGE: (F.REASON,),
}
STALE_INCIDENT = Refusal(Code.STALE, "the incident has changed since the version you saw")
Refusing = tuple[str, str]  # the field, the rule it breaks
_HAS_ENDED = "the ticket has ended"
_PARENT_HAS_ENDED = "the ticket that carries the incident has ended: reopen that, and the incident follows"


def decide_incident(
    facts: IncidentFacts, command: IncidentCommand, actor: Actor, now: datetime
) -> IncidentChange | Refusal:
    """What this command makes of these facts. Same arguments, same answer."""
    incident = facts.incident
    if command.version != incident.version:
        return replace(STALE_INCIDENT, version=incident.version, moves=_allowed(facts, actor))
    here = [move for move in INCIDENT_MOVES if (move.at, move.action) == (incident.state, command.action)]
    if not here:
        return Refusal(Code.NOT_NOW, f"no {command.action} while {incident.state}", _allowed(facts, actor))
    mine = next((move for move in here if move.by & actor.roles), None)
    if mine is None:
        return Refusal(Code.NOT_YOUR_ROLE, f"{command.action} is not for your role here")
    if not _may_follow_parent(mine, facts.can_reopen):
        return Refusal(Code.NOT_NOW, _PARENT_HAS_ENDED, _allowed(facts, actor))
    if lacking := [name for name in mine.fields if not command.fields.get(name)]:
        errors = tuple((name, "required") for name in lacking)
        return Refusal(Code.INCOMPLETE, f"{command.action} needs more", errors=errors)
    if wrong := _CHECKS.get(command.action, _nothing_wrong)(facts, command):
        return Refusal(Code.INVALID, wrong[1], errors=(wrong,))
    return _change(facts, mine, command, actor, now)


def allowed_incident_moves(incident: Incident, actor: Actor, *, can_reopen: bool) -> list[IncidentMove]:
    """The rows this actor could use now; a reply lists each with what it needs. `can_reopen`: the parent of an incident
    that is over is worked on."""
    return [
        move
        for move in INCIDENT_MOVES
        if move.at is incident.state and move.by & actor.roles and _may_follow_parent(move, can_reopen)
    ]


def _allowed(facts: IncidentFacts, actor: Actor) -> tuple[IncidentMove, ...]:
    return tuple(allowed_incident_moves(facts.incident, actor, can_reopen=facts.can_reopen))


def _may_follow_parent(move: IncidentMove, can_reopen: bool) -> bool:
    """An incident that is over is open again only with a parent that is worked on."""
    return can_reopen or (move.at, move.action) != (S.OVER, A.REOPEN)


def incident_action_fields(
    action: IncidentAction,
) -> tuple[tuple[IncidentField, ...], tuple[IncidentField, ...]]:
    """What this action needs, and what it may carry beside: for forms and OpenAPI."""
    rows = [move.fields for move in INCIDENT_MOVES if move.action is action]
    return rows[0], OPTIONAL_INCIDENT_FIELDS.get(action, ())


def incident_diagram() -> str:
    """The table as a Mermaid state diagram, without what keeps the state."""
    drawn = [
        f"    {m.at} --> {m.to}: {m.action} ({', '.join(sorted(m.by))})" for m in INCIDENT_MOVES if m.at is not m.to
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {S.PROPOSED}", *drawn])


# --- what the words of a command must fit


def _nothing_wrong(facts: IncidentFacts, command: IncidentCommand) -> Refusing | None:
    return None


def _cannot_confirm(facts: IncidentFacts, command: IncidentCommand) -> Refusing | None:
    if choose_parent(facts.incident, facts.members) is None:
        return "tickets", "none of its tickets is open any more"
    return None


def _cannot_join(facts: IncidentFacts, command: IncidentCommand) -> Refusing | None:
    number = str(command.fields[F.TICKET])
    if number not in facts.named:
        return F.TICKET, "no such ticket"
    belongs = facts.named[number]
    if belongs == facts.incident.code:
        return F.TICKET, "the ticket belongs to this incident already"
    if belongs is not None:
        return F.TICKET, "the ticket belongs to another incident"
    return (F.TICKET, _HAS_ENDED) if number in facts.ended else None


def _cannot_leave(facts: IncidentFacts, command: IncidentCommand) -> Refusing | None:
    number = str(command.fields[F.TICKET])
    wrong = _not_to_be_taken_out(facts, number, F.TICKET)
    return wrong if wrong is not None or _carriers(facts, {number}) else (F.TICKET, _HAS_ENDED)


def _cannot_split(facts: IncidentFacts, command: IncidentCommand) -> Refusing | None:
    numbers = [str(number) for number in command.fields[F.TICKETS]]
    wrong = (_not_to_be_taken_out(facts, number, F.TICKETS) for number in numbers)
    refusing = next((rule for rule in wrong if rule is not None), None)
    return (
        refusing if refusing is not None or _carriers(facts, numbers) else (F.TICKETS, "all of the tickets have ended")
    )


def _cannot_merge(facts: IncidentFacts, command: IncidentCommand) -> Refusing | None:
    target = facts.target
    if target is None:
        return F.INCIDENT, "no such incident"
    if target.code == facts.incident.code:
        return F.INCIDENT, "another incident"
    if target.state in ENDED_STATES:
        return F.INCIDENT, "the incident has ended"
    if target.state is S.PROPOSED and facts.incident.state is not S.PROPOSED:
        return F.INCIDENT, "a confirmed incident: merge the proposed one into this one"
    return None


def _carriers(facts: IncidentFacts, numbers: Container[str]) -> list[IncidentMember]:
    """Those of these tickets that have not ended, or only by being merged: one of them may carry an incident."""
    return [m for m in facts.members if m.number in numbers and m.status in OPEN | {TicketStatus.MERGED}]


def _not_to_be_taken_out(facts: IncidentFacts, number: str, field: IncidentField) -> Refusing | None:
    if number not in facts.named or all(member.number != number for member in facts.members):
        return field, "the ticket does not belong to this incident"
    if number == facts.incident.parent:
        return field, "the ticket carries the incident: the others are merged into it"
    return None


_CHECKS: Mapping[IncidentAction, Callable[[IncidentFacts, IncidentCommand], Refusing | None]] = {
    A.CONFIRM: _cannot_confirm,
    A.JOIN: _cannot_join,
    A.LEAVE: _cannot_leave,
    A.MERGE: _cannot_merge,
    A.SPLIT: _cannot_split,
}


# --- what an action does


def choose_parent(incident: Incident, members: Iterable[IncidentMember]) -> TicketNumber | None:
    """The ticket that carries the incident: of those that are open, one without danger goes before all others, then one
    that tells of no more, then one whose lead order runs, then one of the incident's category, then the earliest."""
    open_tickets = [member for member in members if member.status in OPEN]
    if not open_tickets:
        return None
    return min(
        open_tickets,
        key=lambda m: (
            m.rings,
            m.offered,
            m.department is None,
            m.category != incident.category,
            m.created_at,
            m.number,
        ),
    ).number


def _change(
    facts: IncidentFacts, move: IncidentMove, command: IncidentCommand, actor: Actor, now: datetime
) -> IncidentChange:
    before, fields = facts.incident, command.fields
    columns: dict[str, Any] = {"state": move.to}
    changes: dict[str, Any] = {}
    split_off: Incident | None = None
    match command.action:
        case A.CONFIRM:
            columns["parent"] = choose_parent(before, facts.members)
            changes["parent"] = [None, columns["parent"]]
        case A.END:
            columns["final_word"] = fields[F.TEXT]
            if fields.get(F.TEXT_EN):
                changes["text_en"] = [None, str(fields[F.TEXT_EN])]
        case A.REOPEN:
            columns |= {"final_word": None, "ended_at": None, "told_at": None}  # its next end is told again
        case A.JOIN:
            number = str(fields[F.TICKET])
            columns["moves"] = (*before.moves, (number, before.code, _why(actor, fields)))
            changes["ticket"] = [None, number]
        case A.LEAVE:
            number = str(fields[F.TICKET])
            columns["moves"] = (*before.moves, (number, None, _why(actor, fields)))
            changes["ticket"] = [number, None]
        case A.MERGE if facts.target is not None:
            columns["merged_into"] = facts.target.code
            changes["incident"] = [None, facts.target.code]
        case A.SPLIT if facts.new_code is not None:
            numbers = list(dict.fromkeys(str(number) for number in fields[F.TICKETS]))
            split_off = _split_off(facts, numbers, facts.new_code, now)
            moves = tuple((number, split_off.code, _why(actor, fields)) for number in numbers)
            columns["moves"] = (*before.moves, *moves)
            changes |= {"tickets": [numbers, None], "incident": [None, split_off.code]}
        case _:
            pass
    if move.to in ENDED_STATES and before.state not in ENDED_STATES:
        columns["ended_at"] = now
    after = replace(before, **columns, updated_at=now, version=before.version + 1, entries=before.entries + 1)
    reason = fields.get(F.REASON) or fields.get(F.TEXT)
    entry = IncidentEntry(
        before.code, after.entries, now, actor.kind, actor.id, actor.name, command.action, before.state, move.to,
        reason, changes,
    )  # fmt: skip
    if command.action is A.MERGE and facts.target is not None:
        target = _joined_by(facts.target, before if facts.is_cause_of_target else None, now)
        line = replace(
            entry, code=target.code, seq=target.entries, state_from=target.state, state_to=target.state,
            changes={"incident": [before.code, None]},
        )  # fmt: skip
        return IncidentChange(((after, before.version), (target, facts.target.version)), (entry, line))
    if split_off is None:
        return IncidentChange(((after, before.version),), (entry,))
    begun = replace(
        entry, code=split_off.code, seq=1, action=A.PROPOSE, state_from=None, state_to=split_off.state,
        changes={"incident": [before.code, None]},
    )  # fmt: skip
    return IncidentChange(((after, before.version), (split_off, None)), (entry, begun))


def _joined_by(target: Incident, cause: Incident | None, now: datetime) -> Incident:
    """The incident that another was merged into; where that tells what has caused it, it is about that from now on."""
    joined = replace(target, updated_at=now, version=target.version + 1, entries=target.entries + 1)
    if cause is None:
        return joined
    return replace(joined, category=cause.category, symptom=cause.symptom, reach=cause.reach)


def _split_off(facts: IncidentFacts, numbers: list[str], code: Any, now: datetime) -> Incident:
    """The new incident of these tickets: in the state of the one they leave, with its own parent."""
    theirs = [member for member in facts.members if member.number in numbers]
    times = [member.created_at for member in theirs]
    before = facts.incident
    units = {member.unit for member in theirs} if before.unit is not None else set()
    draft = replace(
        before, code=code, moves=(), final_word=None, first_call_at=min(times), last_call_at=max(times), created_at=now,
        updated_at=now, callers=0, tickets=len(theirs), announced_at=None, entries=1, noted=0, version=1, parent=None,
        unit=units.pop() if len(units) == 1 else None,
    )  # fmt: skip
    if before.state is S.PROPOSED:
        return draft
    # merged ones are taken out first: the earliest of those without danger carries the new incident
    first = min(
        _carriers(facts, numbers), key=lambda m: (m.rings, m.offered, m.department is None, m.created_at, m.number)
    )
    return replace(draft, parent=first.number)


def _why(actor: Actor, fields: Mapping[Any, Any]) -> str:
    """The reason that the ticket's own timeline is given, with who decided it."""
    reason = fields.get(F.REASON)
    return f"{actor.name}: {reason}" if reason else actor.name
