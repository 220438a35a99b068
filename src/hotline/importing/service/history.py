"""A case of another system as a ticket that was received, triaged, dispatched, and went as far as its state says."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hotline.delivery.model import Message
from hotline.importing.mapping import STATUSES
from hotline.importing.service.cells import ImportedCase, ImportRules
from hotline.organisation.model.actors import CLOCK, RULES, Actor, ActorKind, Role
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.refusals import Code, Refusal, Refused
from hotline.text.numbering import TicketNumber
from hotline.tickets.model.dangers import case_of
from hotline.tickets.model.new_ticket import NewTicket
from hotline.tickets.model.ticket import Call, Caller, Change, Entry, Ticket
from hotline.tickets.model.vocabulary import OPEN, Action, Field, Satisfaction, TicketStatus
from hotline.tickets.sla.policies import limits_for

REVIEW_AFTER = timedelta(days=30)  # when a matter imported as shelved is looked at again
F = Field
_FIELDS = {str(f): f for f in F}


def history_of(
    rules: ImportRules, case: ImportedCase, number: TicketNumber, caller: str | None, *, notify: bool
) -> Change:
    """The whole history as one change. `caller`: the id of the caller, None where the case names none; `notify`:
    departments are notified of the orders that run now. Raises Refused where the tables do not allow it."""
    ticket = _received(rules, case, number, caller)
    by = rules.by
    first = Entry(
        number, 1, case.created, by.kind, by.id, by.name, Action.RECEIVE, None, TicketStatus.RECEIVED,
        changes={"row": [None, case.ident], **case.notes},
    )  # fmt: skip
    played = _PlayedHistory(rules, case, NewTicket(ticket, first))
    played.play()
    if STATUSES[case.status] in OPEN:
        played.take_over()
    new = played.new
    if new.facts.ticket.status is not STATUSES[case.status]:
        raise Refused(Refusal(Code.INVALID, f"it would end as {new.facts.ticket.status}, not as {case.status}"))
    new.messages = played.order_notices() if notify else []
    call = Call(
        str(uuid5(NAMESPACE_URL, f"{rules.mapping.source}:{case.ident}")), number, ticket.channel, case.created,
        ticket.narrative, by.id, caller, ticket.phone, case.texts["phone"] or None, ticket.caller_name,
        ticket.confidential,
    )  # fmt: skip
    name = None if ticket.confidential else ticket.caller_name
    card = Caller(caller, ticket.phone, name, case.created) if caller and ticket.phone else None
    return new.change(call, card)


def _received(rules: ImportRules, case: ImportedCase, number: TicketNumber, caller: str | None) -> Ticket:
    codes, texts, source = case.codes, case.texts, rules.mapping.source
    item = rules.directory.categories[codes["category"]]
    kind = Kind(codes.get("kind") or item.kind)
    confidential = codes["confidential"] == "yes" if "confidential" in codes else (
        kind is Kind.REPORT or item.confidential)  # fmt: skip
    reachable = bool(case.who.phone or case.contact)
    wanted = codes["reply_wanted"] == "yes" if "reply_wanted" in codes else reachable
    return Ticket(
        number=number,
        status=TicketStatus.RECEIVED,
        kind=kind,
        channel=Channel(codes.get("channel") or Channel.IMPORT),
        title=(texts["title"] or "-")[:120],
        narrative=texts["narrative"] or "-",
        created_at=case.created,
        updated_at=case.created,
        category=item.code,
        priority=Priority(codes.get("priority") or item.priority),
        caller=caller,
        phone=case.who.phone,
        caller_name=texts["name"] or None,
        contact=case.contact,
        confidential=confidential,
        reply_wanted=wanted and STATUSES[case.status] in OPEN,
        area=codes.get("area"),
        address=texts["address"] or None,
        lat=case.lat,
        lon=case.lon,
        outer_system=source,
        outer_number=case.ident,
        outer_due_at=case.due,
        promised_at=case.due,
        flags=("imported", *(("odd",) if case.notes else ())),
        created_by=f"import:{source}",
        entries=1,
    )


class _PlayedHistory:
    def __init__(self, rules: ImportRules, case: ImportedCase, new: NewTicket) -> None:
        self.rules, self.case, self.new = rules, case, new

    def _then(self, action: Action, actor: Actor, at: datetime, order: bool = False, **given: Any) -> None:
        target = self.new.facts.assignments[0].id if order else None
        self.new.act(action, {_FIELDS.get(k, k): v for k, v in given.items()}, actor, at, target)

    def play(self) -> None:
        """Every step that leads to this state, by the tables: triaged and dispatched when it was created, worked on
        when it was last changed, ended when it ended."""
        case, mapping, ticket = self.case, self.rules.mapping, self.new.facts.ticket
        who, why = self.rules.by, f"as {mapping.source} had it"
        status, department, reply = case.status, case.codes.get("department"), case.texts["reply"]
        created, changed = case.created, max(case.updated or case.created, case.created)
        ended = case.ended or changed
        if status == "received":
            return
        self._then(Action.TRIAGE, RULES, created, category=ticket.category, kind=ticket.kind,
                   priority=ticket.priority, reason=why)  # fmt: skip
        if department is not None and status not in ("triaged", "declined", "void"):
            self._then(Action.DISPATCH, RULES, created, department=department, reason=why, **self._limits(status))
        has_order = bool(self.new.facts.assignments)
        unit = Actor(ActorKind.KEY, who.id, department or "", frozenset({Role.HANDLER}), frozenset({department or ""}))
        done = status in ("closed", "resolved")
        at = ended if done else changed
        if has_order and (done or status in ("accepted", "awaiting_info")):
            signed = case.updated if case.updated is not None else at  # it was at hand then, at the latest
            self._then(Action.ACCEPT, unit, max(created, min(signed, at)), order=True)
        if has_order and done:
            self._then(Action.REPORT, unit, at, order=True, internal_result=reply, public_reply=reply, solved=True)
            self._then(Action.ACCEPT_REPORT, who, at, order=True)
            if status == "closed":
                self._then(Action.CONFIRM, CLOCK, at, satisfaction=Satisfaction.NO_ANSWER)
        elif status == "closed":
            self._then(Action.ANSWER, who, at, answer=reply)
        elif status == "awaiting_info":
            self._then(Action.REQUEST_INFO, who, at, text=f"pending in {mapping.source}")
        elif status == "withdrawn":
            self._then(Action.WITHDRAW, who, ended, reason=why)
        elif status == "declined":
            self._then(Action.DECLINE, who, ended, reason_code=mapping.decline_reason, channel_told=reply)
        elif status == "void":
            self._then(Action.VOID, who, ended, reason_code=mapping.void_reason, reason=why)
        elif status == "shelved":
            self._then(Action.SHELVE, who, self.rules.now, reason=why, review_at=self.rules.now + REVIEW_AFTER)

    def _limits(self, status: str) -> dict[str, Any]:
        """The limits of an order that has ended, so that it shows whether it was late. Those of an open one begin with
        the import."""
        if STATUSES[status] in OPEN:
            return {}
        ticket = self.new.facts.ticket
        limits = limits_for(self.rules.directory, case_of(ticket), ticket.created_at)
        due = ticket.outer_due_at or (limits.due_at if limits else None)
        return {"due_at": due, "accept_by": limits.accept_by} if limits else {"due_at": due} if due else {}

    def take_over(self) -> None:
        """Start the clocks of an open matter, from now on: time that passed elsewhere breaches no limit of ours."""
        self.new.facts = replace(self.new.facts, directory=self.rules.directory)
        reason = f"taken over from {self.rules.mapping.source}: its limits begin now"
        self._then(Action.RECKON, CLOCK, self.rules.now, reason=reason)

    def order_notices(self) -> list[Message]:
        """What the departments are notified of the orders that run now."""
        notices = [m for m in self.new.messages if m.kind == "department"]
        live = {a.id for a in self.new.facts.assignments if a.closed_at is None}
        last = {m.payload["assignment"]: m for m in notices if m.payload["assignment"] in live}
        return [replace(m, next_at=self.rules.now) for m in last.values()]
