"""What an allowed action writes: new images, timeline entries, messages, counts. `lifecycle.decide` has said yes
before."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from .clocks import LATE, Settled, at_hand, duty_lines, receivers, reckoner_of, settle
from .ticket import Actor, Assignment, Change, Command, Entry, Escalation, Facts, Message, Ticket, Written
from .vocabulary import (
    LIVE,
    OPEN,
    Action,
    ActorKind,
    AssignmentStatus,
    Field,
    Kind,
    Level,
    Metric,
    Outcome,
    Part,
    Priority,
    Reached,
    TicketStatus,
)

A, F, T, D, M = Action, Field, TicketStatus, AssignmentStatus, Metric

_ENDS = {
    A.ANSWER: Outcome.ANSWERED,
    A.CONFIRM: Outcome.CONFIRMED,
    A.EXPLAIN: Outcome.EXPLAINED,
    A.DECLINE: Outcome.DECLINED,
    A.MERGE: Outcome.MERGED,
    A.WITHDRAW: Outcome.WITHDRAWN,
    A.VOID: Outcome.VOID,
}
_COLOURS = (Level.BLUE, Level.YELLOW, Level.RED)
_OWN_FLAGS = frozenset({"repeat", "imported", "odd"})
Line = tuple[Action, str | None, str | None, str | None, str | None]  # action, from, to, assignment, reason
_AMENDS = (
    F.TITLE,
    F.NARRATIVE,
    F.CATEGORY,
    F.KIND,
    F.PRIORITY,
    F.AREA,
    F.ADDRESS,
    F.LAT,
    F.LON,
    F.CALLER_NAME,
    F.CONTACT,
)
# the caller, and the callers of every ticket merged into this one, hear of these
_TOLD = frozenset(
    {
        A.ANSWER,
        A.DECLINE,
        A.DISPATCH,
        A.ACCEPT_REPORT,
        A.CONFIRM,
        A.EXPLAIN,
        A.REOPEN,
        A.SHELVE,
        A.MERGE,
        A.APPROVE_EXTENSION,
        A.REQUEST_INFO,
    }
)
_SAID_WHY = frozenset({A.REQUEST_INFO, A.SHELVE, A.APPROVE_EXTENSION})  # and these tell them why


def on_ticket(
    facts: Facts, to: TicketStatus, command: Command, actor: Actor, now: datetime, *, keeps_orders: bool
) -> Change:
    """A ticket's own action. Where `keeps_orders` is false, every live order is recalled with it."""
    before, given = facts.ticket, command.fields
    columns = {"status": to, **_of_ticket(before, command, now)}
    if to is T.CLOSED and before.status is not T.CLOSED:  # a later word on it closes nothing
        columns["closed_at"] = now
    if before.status in OPEN and to not in OPEN:
        silent = command.action is A.CONFIRM and actor.kind is ActorKind.CLOCK
        columns |= {"ended_at": now, "outcome": Outcome.SILENT if silent else _ENDS[command.action]}
    orders = list(facts.assignments)
    if command.action is A.DISPATCH:
        orders += new_orders(before, given, actor, now, len(orders))
    recalled = [] if keeps_orders else [a for a in orders if a.status in LIVE]
    if recalled:
        orders = [_recalled(a, now) for a in orders]
    if columns.get("priority", before.priority) is not before.priority:
        orders = [replace(a, priority=columns["priority"]) if a.status in LIVE else a for a in orders]
    lines: list[Line] = [(command.action, before.status, to, None, _why(given))]
    lines += [(A.RECALL, a.status, D.RECALLED, a.id, _why(given)) for a in recalled]
    change = settled(facts, columns, tuple(orders), lines, command, actor, now)
    merged_into = facts.target if command.action is A.MERGE else None
    return absorbed(change, merged_into, facts.target_holders, actor, now) if merged_into else change


def on_order(
    facts: Facts,
    order: Assignment,
    to: AssignmentStatus,
    leads_to: TicketStatus | None,
    command: Command,
    actor: Actor,
    now: datetime,
) -> Change:
    """An assignment's action; `leads_to` is the ticket's new state where it follows the lead."""
    before, given = facts.ticket, command.fields
    moved = replace(order, status=to, **_of_order(order, command, actor, now))
    if to not in LIVE:
        moved = replace(moved, closed_at=now, overdue=is_late(order, now), asked_due_at=None)
    orders = [moved if a.id == order.id else a for a in facts.assignments]
    if command.action is A.ASSIST:
        orders += new_orders(
            before, {F.ASSISTS: [given[F.DEPARTMENT]], "assist_due_at": given.get(F.DUE_AT)}, actor, now, len(orders)
        )
    status = leads_to or before.status
    lines: list[Line] = [(command.action, order.status, to, order.id, _why(given))]
    if order.part is Part.LEAD and command.action in (A.APPROVE_RETURN, A.RECALL):
        lines += [(A.RECALL, a.status, D.RECALLED, a.id, "the lead's order ended") for a in orders if a.status in LIVE]
        orders = [_recalled(a, now) for a in orders]
    if status is not before.status:
        lines[0] = (command.action, before.status, status, order.id, _why(given))
    columns = {"status": status, **_of_ticket_by_order(before, order, command)}
    return settled(facts, columns, tuple(orders), lines, command, actor, now)


def _recalled(order: Assignment, now: datetime) -> Assignment:
    """A live order ends with its ticket or its lead; an ended one stays as it was."""
    if order.status not in LIVE:
        return order
    return replace(order, status=D.RECALLED, closed_at=now, overdue=is_late(order, now), asked_due_at=None)


def _of_ticket(before: Ticket, command: Command, now: datetime) -> dict[str, Any]:
    """The columns this action sets, beside status, version and times."""
    given = command.fields
    match command.action:
        case A.TRIAGE:
            return {**_given(given, _AMENDS), **_secrecy(before, given), "triaged_at": before.triaged_at or now}
        case A.AMEND:
            flags = {} if given.get(F.FLAGS) is None else {"flags": _flagged(before.flags, given[F.FLAGS])}
            return {**_given(given, _AMENDS), **_secrecy(before, given), **flags}
        case A.ANSWER:
            said = given.get(F.SATISFACTION)
            first = before.satisfaction_first or said  # of a reopened matter, what was said at first stays
            rated = {"satisfaction_first": first, "satisfaction_final": said} if said else {}
            return {"public_reply": given[F.ANSWER], **_given(given, (F.CATEGORY, F.KIND)), **rated}
        case A.DECLINE:
            return {"reason_code": str(given[F.REASON_CODE]), "channel_told": given[F.CHANNEL_TOLD]}
        case A.VOID:
            return {"reason_code": str(given[F.REASON_CODE])}
        case A.MERGE:
            return {"parent": given[F.TARGET]}
        case A.SHELVE:
            return {"review_at": given[F.REVIEW_AT]}
        case A.UNSHELVE:
            return {"review_at": None}
        case A.CONFIRM | A.EXPLAIN:
            said = given.get(F.SATISFACTION)
            reply = given.get(F.PUBLIC_REPLY)
            return {
                "satisfaction_first": before.satisfaction_first or said,
                "satisfaction_final": said,
                "public_reply": reply or before.public_reply,
                "review_at": None,
            }
        case A.CALL_BACK:
            missed = given[F.REACHED] is not Reached.CONNECTED  # only tries that reached nobody count as such
            return {"call_backs": before.call_backs + missed}
        case A.REOPEN:
            said = given.get(F.SATISFACTION) or before.satisfaction_first
            return {
                "reopens": before.reopens + 1,
                "satisfaction_first": said,
                "satisfaction_final": None,
                "call_backs": 0,
                "closed_at": None,
                "ended_at": None,
                "outcome": None,
                "promised_at": None,  # told anew with the next dispatch
            }
        case A.URGE:
            return {"urges": before.urges + 1}
        case A.ADD_CALL:
            return {"calls": before.calls + 1, "flags": _with(before.flags, "repeat")}
        case A.ABSORB:
            return {"calls": before.calls + int(given.get("calls", 1))}
        case A.ATTACH:
            return {"attachments": before.attachments + 1}
        case A.SUPERVISE:
            return {"supervised": given[F.LEVEL]}
        case A.ESCALATE:
            return {"escalated": max((before.escalated or Level.BLUE, given[F.LEVEL]), key=_COLOURS.index)}
        case A.SET_CONFIDENTIAL:
            return {"confidential": given[F.CONFIDENTIAL]}
        case _:
            return {}


def _of_order(order: Assignment, command: Command, actor: Actor, now: datetime) -> dict[str, Any]:
    given = command.fields
    match command.action:
        case A.ACCEPT:  # whom somebody chose by hand it stays with
            return {"accepted_at": now, "assignee": order.assignee or actor.id}
        case A.AUTO_ACCEPT:
            return {"accepted_at": now, "assignee": order.assignee or given.get(F.ASSIGNEE)}
        case A.CLAIM:
            return {"assignee": actor.id}
        case A.ASSIGN:
            return {"assignee": given[F.ASSIGNEE]}
        case A.CONTACT_CALLER:
            return {"contacted_at": order.contacted_at or now}
        case A.REQUEST_RETURN:
            return {
                "return_reason": str(given[F.REASON_CODE]),
                "return_basis": given[F.BASIS],
                "suggested": given[F.DEPARTMENT],
                "accepted_at": order.accepted_at,
            }
        case A.REFUSE_RETURN:
            return {"ruled": True, "accepted_at": order.accepted_at or now, "refused": order.refused + 1}
        case A.REQUEST_EXTENSION:
            return {"asked_due_at": given[F.DUE_AT]}
        case A.APPROVE_EXTENSION:
            return {
                "due_at": given.get(F.DUE_AT) or order.asked_due_at,
                "first_due_at": order.first_due_at or order.due_at,
                "asked_due_at": None,
                "extensions": order.extensions + 1,
            }
        case A.REFUSE_EXTENSION:
            return {"asked_due_at": None}
        case A.REPORT:
            said = (F.INTERNAL_RESULT, F.PUBLIC_REPLY, F.SOLVED, F.REASON, F.CONTACTED, F.COST, F.FUNDING)
            told = {"contacted_at": order.contacted_at or now} if given.get(F.CONTACTED) else {}
            return {"result": {str(f): given[f] for f in said if given.get(f) is not None}, "reported_at": now, **told}
        case A.REJECT_REPORT:
            return {"redos": order.redos + 1, "reported_at": None}
        case _:
            return {}


def _of_ticket_by_order(before: Ticket, order: Assignment, command: Command) -> dict[str, Any]:
    """What an order's action changes on its ticket."""
    given = command.fields
    lead = order.part is Part.LEAD
    match command.action:
        case A.APPROVE_RETURN:  # charged to the dispatcher; a refused one to the department
            return {"returns": before.returns + 1, "returned_by": _with(before.returned_by, order.department)}
        case A.REFUSE_RETURN:
            return {"ruled": _with(before.ruled, order.department)}
        case A.APPROVE_EXTENSION:
            due = given.get(F.DUE_AT) or order.asked_due_at
            promised = {"promised_at": due} if lead else {}
            return {"extensions": before.extensions + 1, **promised}
        case A.ACCEPT_REPORT if lead and order.result:
            result = order.result
            return {
                "internal_result": result.get("internal_result"),
                "public_reply": given.get(F.PUBLIC_REPLY) or result.get("public_reply"),
                "cost": result.get("cost"),
                "funding": result.get("funding"),
            }
        case _:
            return {}


def new_orders(
    ticket: Ticket, given: Mapping[Any, Any], actor: Actor, now: datetime, standing: int
) -> list[Assignment]:
    """The lead's order (where a department is given) and one for each assisting department, numbered behind
    `standing`."""
    wanted = [(str(given[F.DEPARTMENT]), Part.LEAD)] if given.get(F.DEPARTMENT) else []
    lead = wanted[0][0] if wanted else None
    wanted += [(d, Part.ASSIST) for d in dict.fromkeys(given.get(F.ASSISTS) or ()) if d != lead]
    return [
        Assignment(
            id=f"{ticket.number}-{standing + place}",
            number=ticket.number,
            department=department,
            part=part,
            status=D.ISSUED,
            issued_at=now,
            performer=given.get(F.PERFORMER) if part is Part.LEAD else None,
            route=given.get("route"),
            due_at=given.get(F.DUE_AT) if part is Part.LEAD else given.get("assist_due_at") or given.get(F.DUE_AT),
            accept_by=given.get("accept_by"),
            issued_by=actor.id,
            ruled=department in ticket.ruled,
            priority=ticket.priority,
        )
        for place, (department, part) in enumerate(wanted, start=1)
    ]


def settled(
    facts: Facts,
    columns: dict[str, Any],
    orders: tuple[Assignment, ...],
    lines: Sequence[Line],
    command: Command,
    actor: Actor,
    now: datetime,
) -> Change:
    """The whole change: the ticket with its new columns; one entry for each line, the first with the differences;
    counts; who is told."""
    before = facts.ticket
    clocks = settle(facts, replace(before, **columns), orders, command, now)
    orders = tuple(_timed(a, clocks) for a in orders)
    lead = next((a for a in orders if a.part is Part.LEAD and a.status in LIVE), None)
    # what a ticket shows of its orders: the live lead's department and limit
    columns |= {"department": lead.department if lead else None, "due_at": lead.due_at if lead else None}
    columns |= _promised(facts, columns, lead, clocks)
    changed = {name: [was, value] for name, value in columns.items() if (was := getattr(before, name)) != value}
    known = {a.id: a for a in facts.assignments}
    moved = tuple(a for a in orders if a is not known.get(a.id))
    entries = []
    for place, (action, at, to, assignment, reason) in enumerate(lines, start=1):
        changes: dict[str, Any] = {}
        if place == 1:
            changes = {name: pair for name, pair in changed.items() if name != "status"} | _extras(command)
            changes |= {f"assignment.{a.id}.due_at": [w.due_at, a.due_at] for a in orders
                        if (w := known.get(a.id)) and a.id != assignment and w.due_at != a.due_at}  # fmt: skip
            if assignment in known:
                changes |= _differences(known[assignment], next(a for a in orders if a.id == assignment))
            if action in (A.DISPATCH, A.ASSIST):
                changes["issued"] = [None, [f"{a.id}:{a.department}:{a.part}" for a in orders if a.id not in known]]
        entries.append(
            Entry(
                before.number,
                before.entries + place,
                now,
                actor.kind,
                actor.id,
                actor.name,
                action,
                at,
                to,
                assignment,
                reason,
                changes,
            )
        )
    ticket = replace(
        before, **columns, updated_at=now, version=before.version + 1, entries=before.entries + len(entries)
    )
    after = replace(facts, ticket=ticket, assignments=orders, clocks=clocks.running)
    rung, calls = rung_of(facts, after, command, now)
    messages = told(facts, after, command, entries[0].seq, now)
    calls += [("duty", line, more) for line, more in called_out(facts, after, command.action, now)]
    for kind, line, more in calls:
        place = len(messages)
        messages.append(Message(f"{before.number}.{entries[0].seq}.{place}", kind, before.number, line, more, now))
    return Change(
        after=after,
        tickets=(Written(ticket, before.version),),
        before=facts,
        assignments=moved,
        entries=tuple(entries),
        messages=tuple(messages),
        tallies=tallied(facts, after) | _charged(facts, command),
        clocks=clocks.touched,
        escalations=(rung,) if rung else (),
        texts=(ticket,) if changed.keys() & {"title", "narrative", "address"} else (),
    )


def _timed(order: Assignment, clocks: Settled) -> Assignment:
    """A running order shows the limits its clocks have."""
    if order.status not in LIVE:  # late is what its clock says: neither a wait of ours nor a review is charged to it
        ended = next((c for c in clocks.touched if c.metric is M.REPORT and c.assignment == order.id), None)
        return order if ended is None else replace(order, overdue=ended.breached_at is not None)
    report, accept = clocks.of(M.REPORT, order.id), clocks.of(M.ACCEPT, order.id)
    if report is None:
        return order
    accept_by = accept.due_at if accept else order.accept_by
    if (report.due_at, accept_by) == (order.due_at, order.accept_by):
        return order
    return replace(order, due_at=report.due_at, accept_by=accept_by)


def _promised(facts: Facts, columns: Mapping[str, Any], lead: Assignment | None, clocks: Settled) -> dict[str, Any]:
    """What the resident is told: the lead's first limit; it moves with the resident's clock, and by an extension."""
    promised = columns.get("promised_at", facts.ticket.promised_at)
    if promised is None:
        return {"promised_at": lead.due_at if lead else None}
    was = next((c for c in facts.clocks if c.metric is M.RESOLVE), None)
    now_is = clocks.of(M.RESOLVE)
    if was and now_is and promised in (was.due_at, was.limit_at) and now_is.paused_at is None:
        return {"promised_at": now_is.limit_at}
    return {}


def rung_of(
    facts: Facts, after: Facts, command: Command, now: datetime
) -> tuple[Escalation | None, list[tuple[str, str, dict[str, Any]]]]:
    """The step of a ladder this change tells, and the lines it is told on."""
    clock = next((c for c in facts.clocks if c.id == command.fields.get("clock")), None)
    if clock is None or clock.next_at is None:
        return None, []
    step, level = at_hand(clock), int(command.fields["rung"])
    order = after.order(clock.assignment) if clock.assignment else after.lead()
    late = now - clock.next_at > LATE
    shown = {
        "metric": clock.metric,
        "level": level,
        "colour": step.level,
        "assignment": order.id if order else None,
        "department": order.department if order else None,
        "priority": facts.ticket.priority,
        "limit_at": clock.due_at,
        "late": late,
    }
    lines = receivers(step, after, order, now)
    rung = Escalation(
        clock.id, level, clock.number, clock.assignment, clock.metric, step.level, tuple(line for line, _ in lines),
        clock.next_at, now, late,
    )  # fmt: skip
    return rung, [("escalation", line, {**shown, **more}) for line, more in lines]


def called_out(facts: Facts, after: Facts, action: Action, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """An emergency is told at once to the officer on duty of each department it is given to, by day and by night; one
    that no department has, to the house's own while the offices are shut."""
    d, emergency = after.directory, Priority.EMERGENCY
    if d is None or after.ticket.priority is not emergency:
        return []
    raised = facts.ticket.priority is not emergency
    known = set() if raised else {a.id for a in facts.assignments}
    lines: list[tuple[str, dict[str, Any]]] = []
    for order in after.assignments:
        if order.id not in known and order.status in LIVE:
            shown = {"assignment": order.id, "department": order.department, "accept_by": order.accept_by}
            duties = duty_lines(d, order.performer or order.department, now)
            lines += [(line, {**shown, **more}) for line, more in duties.items()]
    comes_in = raised or action is A.RECEIVE or (action is A.TRIAGE and facts.ticket.created_at == now)
    unsent = after.ticket.status in (T.RECEIVED, T.TRIAGED) and d.home is not None
    counts = reckoner_of(d, None)
    if comes_in and unsent and d.home is not None and counts is not None and not counts.is_working(now):
        shown = {"assignment": None, "department": None, "accept_by": None}
        lines += [(line, {**shown, **more}) for line, more in duty_lines(d, d.home.fallback, now).items()]
    return list(dict(reversed(lines)).items())[::-1]  # once for each officer: of the first of the orders


def _charged(facts: Facts, command: Command) -> dict[tuple[str, str, str], int]:
    """An approved return is the dispatcher's error, a refused one the department's: kept apart for the figures."""
    order = facts.order(command.assignment or "")
    if order is None or command.action not in (A.APPROVE_RETURN, A.REFUSE_RETURN):
        return {}
    if command.action is A.REFUSE_RETURN:
        return {("charged", order.department, "return_refused"): 1}
    return {("charged", (order.route or order.issued_by or "")[:40], "return_approved"): 1}


def absorbed(change: Change, parent: Ticket, holders: Iterable[str], actor: Actor, now: datetime) -> Change:
    """The same merge seen from the parent: one entry there, the child's calls counted, its version moved."""
    child = change.after.ticket
    grown = replace(
        parent,
        calls=parent.calls + child.calls,
        flags=_with(parent.flags, "repeat"),
        updated_at=now,
        version=parent.version + 1,
        entries=parent.entries + 1,
    )
    entry = Entry(
        parent.number,
        grown.entries,
        now,
        actor.kind,
        actor.id,
        actor.name,
        A.ABSORB,
        parent.status,
        parent.status,
        reason=None if child.confidential else child.narrative,  # words too can give somebody away
        changes={"child": [None, child.number], "calls": [parent.calls, grown.calls]},
    )
    tallies = Counter(change.tallies)
    holders = tuple(holders)
    for holder in holders:  # the parent shows in their queues, and has changed
        tallies[("queue", holder, "stamp")] += 1
    return replace(
        change,
        tickets=(*change.tickets, Written(grown, parent.version)),
        entries=(*change.entries, entry),
        tallies=tallies,
        parent_holders=holders,
    )


def told(facts: Facts, after: Facts, command: Command, seq: int, now: datetime) -> list[Message]:
    """Messages for the outbox: to the resident where the matter moved, to each department where its order moved."""
    number, action = after.ticket.number, command.action
    messages: list[Message] = []

    def tell(kind: str, receiver: str, **payload: Any) -> None:
        place = len(messages)
        messages.append(Message(f"{number}.{seq}.{place}", kind, number, receiver, {"action": action, **payload}, now))

    if action in _TOLD:
        why = _why(command.fields) if action in _SAID_WHY and not after.ticket.confidential else None
        said = {"reason": why} if why else {}
        tell("resident", f"ticket:{number}", status=after.ticket.status, merged=facts.children, **said)
    known = {a.id: a for a in facts.assignments}
    for order in after.assignments:
        was = known.get(order.id)
        if (
            was is None
            or (was.status is not order.status and action not in (A.ACCEPT, A.AUTO_ACCEPT))
            or action in (A.URGE, A.SUPERVISE)
        ):
            if was is not None and was.status not in LIVE:
                continue
            tell(
                "department",
                f"department:{order.department}",
                department=order.department,
                assignment=order.id,
                status=order.status,
            )
        elif action is A.RECKON and order.due_at != was.due_at:  # a calendar moved its limit
            tell(
                "department",
                f"department:{order.department}",
                department=order.department,
                assignment=order.id,
                due_at=order.due_at,
            )
    return messages


def tallied(before: Facts | None, after: Facts) -> dict[tuple[str, str, str], int]:
    """How the counters of open work move: tickets by area and state, orders by department and state."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for facts, sign in ((before, -1), (after, 1)):
        if facts is None:
            continue
        counts[("ticket", facts.ticket.area or "", facts.ticket.status)] += sign
        for order in facts.assignments:
            counts[("assignment", order.department, order.status)] += sign
            if order.performer:
                counts[("performing", order.performer, order.status)] += sign
    # whoever keeps a department's queue at hand sees by its stamp that it moved, if only by an urge
    before_live = {o.id for o in before.assignments if o.status in LIVE} if before else set()
    for order in after.assignments:
        if order.status in LIVE or order.id in before_live:
            for holder in (order.department, order.performer):
                if holder:
                    counts[("queue", holder, "stamp")] += 1
    return {key: n for key, n in counts.items() if n}


def is_late(order: Assignment, now: datetime) -> bool:
    return order.due_at is not None and now > order.due_at


def _given(given: Mapping[Any, Any], names: Iterable[Field]) -> dict[str, Any]:
    return {str(name): given[name] for name in names if given.get(name) is not None}


def _secrecy(before: Ticket, given: Mapping[Any, Any]) -> dict[str, Any]:
    """A matter that becomes a report of wrongdoing, or of a confidential category, becomes confidential with it."""
    becomes = given.get(F.KIND) is Kind.REPORT and before.kind is not Kind.REPORT
    moved = given.get("confidential_category") and given.get(F.CATEGORY) != before.category
    return {"confidential": True} if becomes or moved else {}


def _flagged(before: tuple[str, ...], given: Iterable[str]) -> tuple[str, ...]:
    """Flags set by hand are replaced; those the house itself set (danger:…, repeat, imported, odd) stay."""
    own = [f for f in before if ":" in f or f in _OWN_FLAGS]
    return tuple(dict.fromkeys([*own, *given]))


def _with(words: tuple[str, ...], word: str) -> tuple[str, ...]:
    return words if word in words else (*words, word)


def _why(given: Mapping[Any, Any]) -> str | None:
    code = given.get(F.REASON_CODE) or given.get(F.FAULT)
    text = given.get(F.REASON) or given.get(F.TEXT) or given.get(F.ANSWER)
    return f"{code}: {text}" if code and text else text or (str(code) if code else None)


def _extras(command: Command) -> dict[str, Any]:
    """What was said and is kept nowhere but in the timeline."""
    kept = (F.REACHED, F.CONTACTED, F.SOLVED, F.BASIS, F.TARGET, "clock", "rung")
    return {str(f): [None, command.fields[f]] for f in kept if command.fields.get(f) is not None}


def _differences(before: Assignment, after: Assignment) -> dict[str, Any]:
    """Field by field, what the order was and what it is now."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in _ORDER)
    return {f"assignment.{name}": [was, is_now] for name, was, is_now in pairs if was != is_now}


_ORDER = tuple(f.name for f in fields(Assignment))
