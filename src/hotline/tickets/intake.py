"""Taking a call in: one contact, and the ticket it opens, joins or settles at once; triaged and routed as far as
rules allow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from hotline.database import idempotency
from hotline.database.deadlines import within
from hotline.database.engine import IntegrityFault, Replayed
from hotline.delivery.model import Message
from hotline.organisation.model.actors import RULES, Actor, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.refusals import Code, Refusal, Refused
from hotline.text.numbering import Number, read_number
from hotline.text.phone_parsing import LONGEST_RAW, ParsedPhone, caller_id, parse_phone
from hotline.tickets.act import FURTHEST, act, unknown_codes, written_answer
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import decide
from hotline.tickets.model import clock_effects, tallies
from hotline.tickets.model.routing import Routed, route
from hotline.tickets.model.ticket import Call, Caller, Change, Command, Entry, Facts, Ticket, Written
from hotline.tickets.model.visibility import EVERYTHING, Scope, intake_scope
from hotline.tickets.model.vocabulary import Action, Field, TicketStatus
from hotline.tickets.sla import settling
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.write_plan import plan_of
from hotline.triage.model import Advice, advise, lexicon_of
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult, RequestKey, replayed

F = Field
TITLE_LENGTH = 40
_GOES_ON = frozenset({Action.TRIAGE, Action.DISPATCH})  # what is answered or declined at once runs against no clock
TAKEN_BEFORE = Refusal(
    Code.CONFLICT, "this outer order was taken in before", errors=(("outer.number", "taken in before"),)
)


@dataclass(frozen=True, slots=True)
class IntakeRequest:
    """What the operator took down. Hints (kind, category, priority, area) win over advice."""

    channel: Channel
    narrative: str
    title: str | None = None
    phone: str | None = None
    name: str | None = None
    contact: str | None = None
    confidential: bool | None = None
    reply_wanted: bool = True
    area: str | None = None
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    kind: Kind | None = None
    category: str | None = None
    priority: Priority | None = None
    attach_to: str | None = None
    outer_system: str | None = None
    outer_number: str | None = None
    outer_due_at: datetime | None = None
    form: Mapping[str, Any] = field(default_factory=dict)  # what an Open311 client's form said beside these
    at_once: Action | None = None  # ANSWER or DECLINE: first-call resolution
    at_once_fields: Mapping[Field, Any] = field(default_factory=dict)
    unread: tuple[tuple[str, str], ...] = ()  # (field, rule): details that could not be taken as they were written


Show = Any  # (facts, call) -> the reply as text


async def take_call(
    services: Services,
    taken: IntakeRequest,
    actor: Actor,
    asked: RequestKey,
    show: Show,
    now: datetime,
    *,
    joins: Scope | None = None,
) -> ActionResult:
    """Take a call in, durably. `joins`: what `attach_to` may name, where that was decided by more than who asks.
    Raises Refused with every field that is wrong, and Unsure where the database did not answer within the deadline:
    the call may be taken in yet, and a repeat under the same key is."""
    async with within(services.deadlines.write, writes=True):
        return await _take_in(services, taken, actor, asked, show, now, joins)


async def _take_in(
    services: Services,
    taken: IntakeRequest,
    actor: Actor,
    asked: RequestKey,
    show: Show,
    now: datetime,
    joins: Scope | None,
) -> ActionResult:
    directory = await services.directory.now(now)
    try:
        who = _checked(directory, services, taken, actor, now)
    except Refused as refused:
        if earlier := await idempotency.given(services.db, asked.owner, asked.key):
            return replayed(earlier, asked)
        raise refused from None
    call_id = str(uuid4())
    if taken.attach_to is not None:
        return await _join(services, taken, who, call_id, actor, asked, show, now, joins or intake_scope(actor))
    if taken.outer_number is not None and await ticket_facts.has_outer(
        services.db, taken.outer_system or "", taken.outer_number
    ):
        if earlier := await idempotency.given(services.db, asked.owner, asked.key):
            return replayed(earlier, asked)
        raise Refused(TAKEN_BEFORE)
    change, call = await opened(services, directory, taken, who, call_id, actor, now)
    change = await services.completed(change, now)
    answer = written_answer(asked, 201, show(change.after, call), now, change.after)
    # a call whose outcome was unknown is asked for again by the spool: it must learn which ticket it became
    keeping = answer if asked.keep_body else replace(answer, body=str(change.after.ticket.number))
    try:
        outcome = await services.journal.commit(plan_of(change, keeping), priority=True)
    except IntegrityFault as fault:
        if taken.outer_number is None:
            raise
        raise Refused(TAKEN_BEFORE) from fault  # it came in by another line at the same moment
    if isinstance(outcome, Replayed):
        return replayed(outcome.answer, asked)
    return ActionResult(answer, replayed=False, number=change.after.ticket.number)


def _checked(
    directory: Directory, services: Services, taken: IntakeRequest, actor: Actor, now: datetime
) -> ParsedPhone:
    """The caller's number as heard, which is never a reason to refuse; raises Refused with all that is wrong at
    once."""
    errors: list[tuple[str, str]] = []
    named = {F.CATEGORY: taken.category, F.AREA: taken.area}
    where = {F.CATEGORY: "category", F.AREA: "location.area"}
    errors += [(where.get(Field(f), f), rule) for f, rule in unknown_codes(directory, named)]
    if taken.area is not None and not errors and actor.areas is not None and taken.area not in actor.areas:
        errors.append(("location.area", "outside your areas"))
    if taken.outer_due_at is not None and not now < taken.outer_due_at <= now + FURTHEST:
        errors.append(("outer.due_at", "must be later than now, by five years at most"))
    if errors:
        raise Refused(Refusal(Code.INVALID, "the call cannot be taken in like this", errors=tuple(errors)))
    return parse_phone(taken.phone, services.region, services.area_code)


async def _join(
    services: Services,
    taken: IntakeRequest,
    who: ParsedPhone,
    call_id: str,
    actor: Actor,
    asked: RequestKey,
    show: Show,
    now: datetime,
    scope: Scope,
) -> ActionResult:
    """The call belongs to an open ticket: counted there, its words kept. What lies outside the scope is refused as what
    does not exist is."""
    number = read_number(taken.attach_to or "")
    if number is None and scope.creator is None:  # a machine is not told which of its guesses are well formed
        raise Refused(
            Refusal(
                Code.INVALID,
                "that is no ticket number",
                errors=(("attach_to", "not a ticket number: check the digits"),),
            )
        )
    for _ in range(5):  # nobody sent a version: a colleague's change in between is no reason to lose a call
        facts = await ticket_facts.facts(services.db, scope, number or Number(""))
        if facts is not None and facts.ticket.parent is not None:  # merged since: the call belongs to the parent
            number = (await ticket_facts.chain_of(services.db, facts.ticket.number))[-1]
            whole = await ticket_facts.facts(services.db, scope, number)
            if whole is None and scope.creator is not None:  # they may tell it more, and learn no more of it
                show = partial(_of_own, show, facts)
                scope = EVERYTHING
                whole = await ticket_facts.facts(services.db, scope, number)
            facts = whole
        if facts is None or number is None:
            if earlier := await idempotency.given(services.db, asked.owner, asked.key):
                return replayed(earlier, asked)
            raise Refused(Refusal(Code.INVALID, "no such ticket", errors=(("attach_to", "no such ticket"),)))
        hidden = bool(taken.confidential) or facts.ticket.confidential
        call, caller = (
            _call(taken, who, number, call_id, hidden, actor, now, services.secret),
            _caller(taken, who, hidden, now, services.secret),
        )
        command = Command(Action.ADD_CALL, facts.ticket.version, {F.TEXT: taken.narrative})
        try:
            return await act(
                services,
                number,
                command,
                actor,
                asked,
                partial(_shown, show, call),
                now,
                status=201,
                call=call,
                caller=caller,
                scope=scope,
            )
        except Refused as refused:
            if refused.refusal.code is not Code.STALE:
                raise
    raise Refused(Refusal(Code.OVERLOADED, "the ticket changes too fast just now; nothing was written, try again"))


async def opened(
    services: Services,
    directory: Directory,
    taken: IntakeRequest,
    who: ParsedPhone,
    call_id: str,
    actor: Actor,
    now: datetime,
) -> tuple[Change, Call]:
    """The new ticket as one change: received, and triaged and dispatched where the rules are sure."""
    size = len(taken.narrative) + len(taken.address or "")
    advice = await services.offload.run(
        size, advise, services.directory.made_of(lexicon_of), taken.narrative, taken.address
    )
    ticket, routed = _ticket(directory, taken, who, advice, await services.numbers.take(), actor, now, services.secret)
    received = Entry(
        ticket.number,
        1,
        now,
        actor.kind,
        actor.id,
        actor.name,
        Action.RECEIVE,
        None,
        TicketStatus.RECEIVED,
        changes={"channel": [None, taken.channel]},
    )
    told = Message(
        f"{ticket.number}.1.0", "resident", ticket.number, f"ticket:{ticket.number}", {"action": Action.RECEIVE}, now
    )
    steps = [Change(Facts(ticket), (), entries=(received,), messages=(told,))]
    for action, fields, by, last in _path(taken, ticket, routed, advice, actor):
        # clocks start with the last step alone: one that would end at the moment it begins measures nothing
        facts = replace(steps[-1].after, directory=directory if last and action in _GOES_ON else None)
        steps.append(_step(facts, action, fields, by, now))
    touched = steps[-1].clocks
    if len(steps) == 1:
        begun = settling.settle(Facts(ticket, directory=directory), ticket, (), Command(Action.RECEIVE, 0), now)
        after = replace(steps[0].after, clocks=begun.running, directory=directory)
        calls = clock_effects.called_out(after, after, Action.RECEIVE, now)
        steps[0] = replace(
            steps[0],
            after=after,
            messages=(told, *(replace(told, id=f"{ticket.number}.1.{n}", kind="duty", partition=line, payload=more)
                              for n, (line, more) in enumerate(calls, 1))),
        )  # fmt: skip
        touched = begun.touched
    after = steps[-1].after
    call = _call(taken, who, ticket.number, call_id, ticket.confidential, actor, now, services.secret)
    caller = _caller(taken, who, ticket.confidential, now, services.secret)
    return (
        Change(
            after=after,
            tickets=(Written(after.ticket, None),),
            assignments=after.assignments,
            entries=tuple(e for step in steps for e in step.entries),
            messages=tuple(m for step in steps for m in step.messages),
            clocks=touched,
            calls=(call,),
            callers=(caller,) if caller else (),
            tallies=tallies.tallied(None, after),
            texts=(after.ticket,),
        ),
        call,
    )


def _path(
    taken: IntakeRequest, ticket: Ticket, routed: Routed | None, advice: Advice, actor: Actor
) -> Iterator[tuple[Action, Mapping[Any, Any], Actor, bool]]:
    """How far the matter goes at once: settled by the operator, or triaged and dispatched where the rules are sure.
    (action, its fields, by whom, whether it is the last)."""
    if taken.at_once is not None:
        yield taken.at_once, dict(taken.at_once_fields), actor, True
    elif ticket.category is not None:
        by_hand = taken.category is not None and bool(actor.roles & {Role.OPERATOR, Role.DISPATCHER})
        triaged = {
            F.CATEGORY: ticket.category,
            F.KIND: ticket.kind,
            F.PRIORITY: ticket.priority,
            F.REASON: _reason(advice, by_hand),
        }
        sure = routed is not None and routed.sure
        yield Action.TRIAGE, triaged, actor if by_hand else RULES, not sure
        if routed is not None and sure:
            yield Action.DISPATCH, _order(routed), RULES, True


def _step(facts: Facts, action: Action, fields: Mapping[Any, Any], actor: Actor, now: datetime) -> Change:
    decided = decide(facts, Command(action, facts.ticket.version, fields), actor, now)
    if isinstance(decided, Refusal):
        raise Refused(decided)
    return decided


def _order(routed: Routed) -> dict[Any, Any]:
    return {
        F.DEPARTMENT: routed.lead,
        F.ASSISTS: routed.assists,
        F.PERFORMER: routed.performer,
        "route": routed.route,
        F.REASON: f"catalogue row {routed.route}",
    }


def _ticket(
    directory: Directory,
    taken: IntakeRequest,
    who: ParsedPhone,
    advice: Advice,
    number: Any,
    actor: Actor,
    now: datetime,
    secret: bytes,
) -> tuple[Ticket, Routed | None]:
    """What the operator said where they said it, else what the rules are sure of."""
    home = directory.home
    sure = home is not None and advice.confidence >= home.sure_at
    code = taken.category or (advice.category if sure else None)
    category = directory.categories.get(code) if code else None
    kind = taken.kind or (
        advice.kind if taken.category is None or category is None or advice.kind is not Kind.REQUEST else category.kind
    )
    trusted = bool(actor.roles & {Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})
    said = taken.priority if trusted else None  # the public never sets "emergency"
    priority = said or advice.priority
    if said is None and taken.category and category is not None and advice.priority is Priority.NORMAL:
        priority = category.priority
    flags = tuple(f"danger:{d}" for d in advice.dangers)
    area = taken.area or advice.area or actor.home_area
    if actor.areas is not None and area not in actor.areas:
        area = actor.home_area
    confidential = taken.confidential
    if confidential is None:
        confidential = kind is Kind.REPORT or (category is not None and category.confidential)
    routed = route(directory, code, kind, area, now)
    ticket = Ticket(
        number=number,
        status=TicketStatus.RECEIVED,
        kind=kind,
        channel=taken.channel,
        title=taken.title or _title(taken.narrative),
        narrative=taken.narrative,
        created_at=now,
        updated_at=now,
        category=code,
        priority=priority,
        caller=caller_id(who.phone, secret) if who.phone and who.caller else None,
        phone=who.phone,
        caller_name=taken.name,
        contact=taken.contact or who.words,
        confidential=confidential,
        reply_wanted=taken.reply_wanted,
        area=area,
        address=taken.address,
        lat=taken.lat,
        lon=taken.lon,
        outer_system=taken.outer_system,
        outer_number=taken.outer_number,
        outer_due_at=taken.outer_due_at,
        promised_at=taken.outer_due_at,
        flags=flags,
        created_by=actor.id,
        advice={
            "triage": advice.shown(),
            "routing": routed.shown() if routed else None,
            "hints": _hints(taken),
            **({"unread": [list(told) for told in unread]} if (unread := unread_of(taken, who)) else {}),
        },
        entries=1,
    )
    return ticket, routed


def unread_of(taken: IntakeRequest, who: ParsedPhone) -> tuple[tuple[str, str], ...]:
    """(field, rule) of each detail that could not be taken as it was written."""
    return (*taken.unread, *((("caller.phone", who.unread),) if who.unread else ()))


def _title(narrative: str) -> str:
    line = " ".join(narrative.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"


def _reason(advice: Advice, by_hand: bool) -> str:
    return "chosen by the operator" if by_hand else f"confidence {advice.confidence:.2f}"


def _hints(taken: IntakeRequest) -> dict[str, Any]:
    hints = {"kind": taken.kind, "category": taken.category, "priority": taken.priority, "area": taken.area}
    given = {name: value for name, value in hints.items() if value is not None}
    return {**given, "form": dict(taken.form)} if taken.form else given


def _call(
    taken: IntakeRequest,
    who: ParsedPhone,
    number: Any,
    call_id: str,
    confidential: bool,
    actor: Actor,
    now: datetime,
    secret: bytes,
) -> Call:
    return Call(
        id=call_id,
        number=number,
        channel=taken.channel,
        at=now,
        narrative=taken.narrative,
        taken_by=actor.id,
        caller=caller_id(who.phone, secret) if who.phone and who.caller else None,
        phone=who.phone,
        raw_phone=taken.phone and taken.phone[:LONGEST_RAW],
        caller_name=taken.name,
        confidential=confidential,
        unread=unread_of(taken, who),
    )


def _shown(show: Show, call: Call, after: Facts) -> str:
    return str(show(after, call))


def _of_own(show: Show, own: Facts, _: Facts, call: Call) -> str:
    """The reply about the sender's own ticket, where the call was joined to another that carries its matter."""
    return str(show(own, call))


def _caller(taken: IntakeRequest, who: ParsedPhone, confidential: bool, now: datetime, secret: bytes) -> Caller | None:
    if who.phone is None or not who.caller:
        return None
    return Caller(caller_id(who.phone, secret), who.phone, None if confidential else taken.name, now)
