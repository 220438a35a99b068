"""Changes of tickets: every change after intake goes through `act`, or through `act_as_clock` for due clocks."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.database.engine import Committed, Replayed, Stale
from hotline.database.write_plan import StoredAnswer
from hotline.delivery.model import Message
from hotline.organisation.model.actors import CLOCK, RULES, Actor
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import SYSTEM_SCOPE, Scope, scope_of
from hotline.organisation.store import people
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import digest_key
from hotline.text.numbering import TicketNumber, parse_number
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import caller_id
from hotline.tickets import workload
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import STALE_VERSION, decide
from hotline.tickets.model.codes import unknown_codes
from hotline.tickets.model.ticket import (
    Attachment,
    Call,
    Caller,
    Change,
    Command,
    Facts,
    call_of_ticket,
)
from hotline.tickets.model.undo import hold_messages, undone_line
from hotline.tickets.model.visibility import can_see_file
from hotline.tickets.model.vocabulary import ASSIGNEE_NAME, LIVE, READ_ANEW, Action, Field
from hotline.tickets.reading_anew import read_anew_columns
from hotline.tickets.released_photos import can_be_released
from hotline.tickets.sla.policies import FURTHEST
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.store import history
from hotline.tickets.store.last_change import load_cancelled, load_released, with_last_change
from hotline.tickets.told_dangers import alarm_of_told_danger
from hotline.tickets.write_plan import build_split_plan, build_write_plan
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult, replay_answer, replayed_or_refused, storable_answer

F = Field
RenderReply = Callable[[Facts], str]  # renders the reply, before COMMIT, so that it is kept with the change
RuleStep = tuple[Action, Mapping[Any, Any]]  # with its fields
_SETS_LIMITS = frozenset({Action.DISPATCH, Action.ASSIST, Action.REQUEST_EXTENSION, Action.APPROVE_EXTENSION})
TICKET_NOT_FOUND = Refusal(Code.NOT_FOUND, "no such ticket")


@dataclass(frozen=True, slots=True)
class Additions:
    """What comes to a ticket with a command: a further contact with its caller, or a file, and messages of its own;
    answered with 201. `split_off`: the tickets that a split opens; answered with 200, as the ticket itself is shown.
    `further`: the steps that the rules take in the same change, as far as the tables allow them."""

    call: Call | None = None
    caller: Caller | None = None
    attachment: Attachment | None = None
    messages: tuple[Message, ...] = ()
    split_off: tuple[Change, ...] = ()
    further: tuple[RuleStep, ...] = ()

    @property
    def status(self) -> int:
        return 200 if self.split_off else 201

    def to(self, change: Change) -> Change:
        """The change with them."""
        return replace(
            change,
            calls=(call_of_ticket(self.call, change.after.ticket),) if self.call else (),
            callers=(self.caller,) if self.caller else (),
            attachments=(self.attachment,) if self.attachment else (),
            messages=(*change.messages, *self.messages),
        )


async def act(
    services: Services,
    number: str,
    command: Command,
    request: WriteRequest,
    render: RenderReply,
    additions: Additions | None = None,
) -> ActionResult:
    """Apply a command to a ticket and commit it. Returns the stored answer; a repeat under the same key returns the
    first one. Raises Refused where the ticket is not in scope, the tables do not allow the command, or its version is
    stale."""
    actor, key, now = request.actor, request.key, request.now
    directory = await services.directory.now(now)
    read = parse_number(number)
    facts = await ticket_facts.load_facts(services.db, request.scope or scope_of(actor), read) if read else None
    decision: Change | Refusal = TICKET_NOT_FOUND
    if facts is not None:
        facts = replace(facts, directory=directory)
        if command.action is Action.UNDO:
            facts = await _with_step_to_undo(services, facts, now)
        scope = request.scope or scope_of(actor)
        facts, command, refusal = await _resolve_references(services, directory, facts, command, scope, now)
        refusal = refusal or await refuse_unknown_photos(services, facts, command, actor)
        decision = refusal or decide(facts, command, actor, now)
    if isinstance(decision, Change):
        if additions is not None:
            decision = additions.to(_with_further_steps(decision, additions.further, directory, now))
        if facts is not None and command.action is not Action.UNDO:
            released = await load_released(services.db, facts.ticket, now, services.hold)
            decision = replace(decision, released=released) if released else decision
        elif facts is not None and facts.last is not None:
            decision = replace(decision, cancelled=await load_cancelled(services.db, facts.last))
        if command.fields.get("caller") and decision.after.ticket.caller == command.fields["caller"]:
            decision = replace(decision, callers=(_amended_caller(decision, now),))
        if alarms := await alarm_of_told_danger(services, decision, command, now):
            decision = replace(decision, messages=(*decision.messages, *alarms))
        decision = await services.apply_before_commit(hold_messages(decision, actor, services.hold), now)
        after = decision.after
        answer = build_stored_answer(request, additions.status if additions else 200, render(after), after)
        kept = storable_answer(answer, key)
        if additions is not None and additions.split_off:
            new = [
                await services.apply_before_commit(hold_messages(each, actor, services.hold), now)
                for each in additions.split_off
            ]
            plan = build_split_plan(decision, new, kept, digest_key(services.secret))
        else:
            plan = build_write_plan(decision, kept, digest_key(services.secret))
        outcome = await services.journal.commit(plan)
        if isinstance(outcome, Replayed):
            return replay_answer(outcome.answer, key)
        if not isinstance(outcome, Stale):
            return ActionResult(answer, replayed=False, number=after.ticket.number)
        decision = STALE_VERSION
    return await replayed_or_refused(services.db, key, decision)


def _with_further_steps(change: Change, steps: Sequence[RuleStep], directory: Directory, now: datetime) -> Change:
    """The change with what the rules do next; it ends at the first step that the tables do not allow."""
    for action, fields in steps:
        here = replace(change.after, directory=directory)
        decided = decide(here, Command(action, here.ticket.version, fields), RULES, now)
        if isinstance(decided, Refusal):
            break
        tallies = Counter(change.tallies)
        tallies.update(decided.tallies)
        change = replace(
            decided,
            before=change.before,
            tickets=(replace(decided.tickets[0], expected=change.tickets[0].expected),),
            assignments=_latest(change.assignments, decided.assignments),
            entries=(*change.entries, *decided.entries),
            messages=(*change.messages, *decided.messages),
            clocks=_latest(change.clocks, decided.clocks),
            escalations=(*change.escalations, *decided.escalations),
            texts=decided.texts or change.texts,
            tallies=tallies,
            author_departments=change.author_departments,
        )
    return change


def _latest(before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[Any, ...]:
    """Orders or clocks: the images of both, the later one of each."""
    newer = {image.id for image in after}
    return (*(image for image in before if image.id not in newer), *after)


def build_stored_answer(request: WriteRequest, status: int, body: str, after: Facts) -> StoredAnswer:
    """What is kept under the request's key. `body`: the reply as text; `after`: the ticket it tells of."""
    key = request.key
    return StoredAnswer(key.owner, key.key, key.fingerprint, status, body, request.now, str(after.ticket.version))


async def act_as_clock(
    services: Services, facts: Facts, commands: Sequence[Command], key: str, now: datetime, actor: Actor = CLOCK
) -> Refusal | None:
    """Apply and commit the first of these commands that the tables allow, once for each key, as role `clock`, or as
    the rules where `actor` says so. Returns None where it is applied, now or before; else the refusal."""
    decided: Change | Refusal = TICKET_NOT_FOUND
    for command in commands:
        decided = decide(facts, command, actor, now)
        if isinstance(decided, Change):
            break
    if isinstance(decided, Refusal):
        return decided
    if command.action is Action.RECKON and not decided.clocks:  # counted anew, and nothing has moved
        return None
    decided = await services.apply_before_commit(decided, now)
    answer = StoredAnswer("clock:clock", key, "clock", 200, "", now, str(decided.after.ticket.version))
    outcome = await services.journal.commit(build_write_plan(decided, answer, digest_key(services.secret)))
    return None if isinstance(outcome, Committed | Replayed) else STALE_VERSION


async def _resolve_references(
    services: Services, directory: Directory, facts: Facts, command: Command, scope: Scope, now: datetime
) -> tuple[Facts, Command, Refusal | None]:
    """Look up what the command points at: codes in the directory, the target of a merge, the person it is given to."""
    fields: dict[Any, Any] = dict(command.fields)
    errors = unknown_codes(directory, fields)
    if errors:
        return (
            facts,
            command,
            Refusal(Code.INVALID, "the request names what the directory does not have", errors=errors),
        )
    if command.action is Action.MERGE and fields.get(F.TARGET):
        target_number = parse_number(str(fields[F.TARGET]))
        target = await ticket_facts.load_facts(services.db, scope, target_number) if target_number else None
        if target is None or target_number is None:
            return (
                facts,
                command,
                Refusal(Code.INVALID, "the target is not there", errors=((F.TARGET, "no such ticket"),)),
            )
        fields[F.TARGET] = target_number
        chain = await ticket_facts.load_parent_chain(services.db, target_number)
        facts = replace(_with_target(facts, target), target_chain=chain)
    if command.action is Action.UNMERGE and facts.ticket.parent is not None:
        parent = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, facts.ticket.parent)
        facts = facts if parent is None else _with_target(facts, parent)
    category = directory.categories.get(fields.get(F.CATEGORY) or "")
    if category is not None and category.confidential:
        fields["confidential_category"] = True
    if command.action is Action.ASSIGN and fields.get(F.ASSIGNEE):
        order = facts.order(command.assignment or "")
        person = (
            await workload.load_assignable_person(services.db, directory, order, str(fields[F.ASSIGNEE]))
            if order
            else None
        )
        if person is None:
            rule = "nobody of that id or login works in this department"
            return facts, command, Refusal(Code.INVALID, "the order cannot go there", errors=((F.ASSIGNEE, rule),))
        fields[F.ASSIGNEE], fields[ASSIGNEE_NAME] = person
    if command.action in _SETS_LIMITS:
        due = fields.get(F.DUE_AT)
        if due is not None and due <= now and command.action in (Action.DISPATCH, Action.ASSIST):
            return (
                facts,
                command,
                Refusal(Code.INVALID, "a limit lies ahead", errors=((F.DUE_AT, "must be later than now"),)),
            )
        if due is not None and due > now + FURTHEST:
            rule = "within five years"
            return facts, command, Refusal(Code.INVALID, "a limit lies too far ahead", errors=((F.DUE_AT, rule),))
    if fields.get(F.PHONE):
        parsed = parse_phone(str(fields[F.PHONE]), services.region, services.area_code)
        if parsed.phone is None and command.action is Action.AMEND:
            rule = "cannot be read as a telephone number"
            return facts, command, Refusal(Code.INVALID, "that is no number", errors=((F.PHONE, rule),))
        fields[F.PHONE] = parsed.phone
        fields["caller"] = caller_id(parsed.phone, services.secret) if parsed.phone and parsed.caller else None
    anew = await read_anew_columns(services, directory, facts.ticket, command)
    if anew:
        fields[READ_ANEW] = anew
    return facts, replace(command, fields=fields), None


async def refuse_unknown_photos(services: Services, facts: Facts, command: Command, actor: Actor) -> Refusal | None:
    """The refusal of a result that shows the resident what is no photo of this ticket. None: nothing is wrong."""
    named = frozenset(command.fields.get(F.PHOTOS) or ())
    if not named:
        return None
    rows = await history.load_attachments(services.db, facts.ticket.number)
    authors = await load_handler_departments(services, actor, (row.by_id for row in rows))
    known = {r.id for r in rows if can_be_released(r) and can_see_file(r.by_id, facts.assignments, actor, authors)}
    if named <= known:
        return None
    rule = "photos of this ticket, before or after the work"
    return Refusal(Code.INVALID, "the result shows what is no photo of it", errors=((F.PHOTOS, rule),))


def _amended_caller(change: Change, now: datetime) -> Caller:
    ticket = change.after.ticket
    return Caller(ticket.caller or "", ticket.phone or "", None if ticket.confidential else ticket.caller_name, now)


async def _with_step_to_undo(services: Services, facts: Facts, now: datetime) -> Facts:
    """The ticket with its last change, and where that was a merge with its parent."""
    facts = await with_last_change(services.db, facts, now)
    line = undone_line(facts.last.entries) if facts.last is not None else None
    if line is None or line.action is not Action.MERGE or facts.ticket.parent is None:
        return facts
    parent = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, facts.ticket.parent)
    return facts if parent is None else _with_target(facts, parent)


def _with_target(facts: Facts, target: Facts) -> Facts:
    """With the ticket that it goes into or comes out of, and who holds an order of that."""
    holders = [h for a in target.assignments if a.status in LIVE for h in (a.department, a.performer) if h]
    return replace(facts, target=target.ticket, target_holders=tuple(dict.fromkeys(holders)))


async def load_visible_ticket(services: Services, number: str, actor: Actor, scope: Scope | None = None) -> Facts:
    """The ticket, if it is the actor's to see. Raises Refused(NOT_FOUND) for both not there and not theirs."""
    read = parse_number(number)
    facts = await ticket_facts.load_facts(services.db, scope or scope_of(actor), TicketNumber(read)) if read else None
    if facts is None:
        raise Refused(TICKET_NOT_FOUND)
    return facts


async def load_handler_departments(services: Services, actor: Actor, ids: Iterable[str]) -> dict[str, str]:
    """The departments of those who wrote as handlers of one, by id, where this actor's view of a timeline depends on
    it: for a contractor."""
    return await people.load_handler_departments(services.db, ids) if actor.contractor else {}
