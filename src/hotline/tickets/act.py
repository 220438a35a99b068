"""The one door: people, gateways and the clock all change a ticket here, and nowhere else."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hotline.database import idempotency
from hotline.database.engine import Committed, Replayed, Stale
from hotline.database.write_plan import StoredAnswer
from hotline.organisation.model.actors import CLOCK, Actor
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import DepartmentKind
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused
from hotline.text.numbering import Number, read_number
from hotline.tickets import workload
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import LATE, decide
from hotline.tickets.model.ticket import Attachment, Call, Caller, Change, Command, Facts
from hotline.tickets.model.visibility import Scope, scope_of
from hotline.tickets.model.vocabulary import LIVE, Action, Field
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.write_plan import plan_of
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult, RequestKey, kept, replayed

F = Field
Show = Callable[[Facts], str]  # renders the reply, before COMMIT, so that it is kept with the change
FURTHEST = timedelta(days=5 * 366)  # of any limit somebody sets
_GIVES_LIMITS = frozenset({Action.DISPATCH, Action.ASSIST, Action.REQUEST_EXTENSION, Action.APPROVE_EXTENSION})
UNKNOWN = Refusal(Code.NOT_FOUND, "no such ticket")


async def act(
    services: Services,
    number: str,
    command: Command,
    actor: Actor,
    asked: RequestKey,
    show: Show,
    now: datetime,
    *,
    status: int = 200,
    call: Call | None = None,
    caller: Caller | None = None,
    attachment: Attachment | None = None,
    scope: Scope | None = None,
) -> ActionResult:
    """Do it durably, or raise Refused."""
    directory = await services.directory.now(now)
    read = read_number(number)
    facts = await ticket_facts.facts(services.db, scope or scope_of(actor), read) if read else None
    decided: Change | Refusal = UNKNOWN
    if facts is not None:
        facts = replace(facts, directory=directory)
        facts, command, refusal = await _completed(services, directory, facts, command, actor, now)
        decided = refusal or decide(facts, command, actor, now)
    if isinstance(decided, Change):
        if call is not None:
            decided = replace(decided, calls=(call,), callers=(caller,) if caller else ())
        if attachment is not None:
            decided = replace(decided, attachments=(attachment,))
        decided = await services.completed(decided, now)
        after = decided.after
        answer = written_answer(asked, status, show(after), now, after)
        outcome = await services.journal.commit(plan_of(decided, kept(answer, asked)))
        if isinstance(outcome, Replayed):
            return replayed(outcome.answer, asked)
        if not isinstance(outcome, Stale):
            return ActionResult(answer, replayed=False, number=after.ticket.number)
        decided = LATE
    earlier = await idempotency.given(services.db, asked.owner, asked.key)  # a retry meets the world its first try made
    if earlier is not None:
        return replayed(earlier, asked)
    raise Refused(decided)


def written_answer(asked: RequestKey, status: int, body: str, now: datetime, after: Facts) -> StoredAnswer:
    return StoredAnswer(asked.owner, asked.key, asked.fingerprint, status, body, now, str(after.ticket.version))


async def act_by_clock(
    services: Services, facts: Facts, commands: Sequence[Command], key: str, now: datetime
) -> Refusal | None:
    """What time does, by the same door: the first of these commands that the tables allow, durably and once for each
    key. None: it is done, now or before; else why not."""
    decided: Change | Refusal = UNKNOWN
    for command in commands:
        decided = decide(facts, command, CLOCK, now)
        if isinstance(decided, Change):
            break
    if isinstance(decided, Refusal):
        return decided
    if not decided.clocks:  # no clock is touched: nothing has happened
        return None
    decided = await services.completed(decided, now)
    answer = StoredAnswer("clock:clock", key, "clock", 200, "", now, str(decided.after.ticket.version))
    outcome = await services.journal.commit(plan_of(decided, answer))
    return None if isinstance(outcome, Committed | Replayed) else LATE


async def _completed(
    services: Services, directory: Directory, facts: Facts, command: Command, actor: Actor, now: datetime
) -> tuple[Facts, Command, Refusal | None]:
    """Look up what the command points at: codes in the directory, the target of a merge, the person it is given to."""
    given: dict[Any, Any] = dict(command.fields)
    errors = unknown_codes(directory, given)
    if errors:
        return (
            facts,
            command,
            Refusal(Code.INVALID, "the request names what the directory does not have", errors=errors),
        )
    if command.action is Action.MERGE and given.get(F.TARGET):
        target_number = read_number(str(given[F.TARGET]))
        target = await ticket_facts.facts(services.db, scope_of(actor), target_number) if target_number else None
        if target is None or target_number is None:
            return (
                facts,
                command,
                Refusal(Code.INVALID, "the target is not there", errors=((F.TARGET, "no such ticket"),)),
            )
        given[F.TARGET] = target_number
        holders = [h for a in target.assignments if a.status in LIVE for h in (a.department, a.performer) if h]
        chain = await ticket_facts.chain_of(services.db, target_number)
        facts = replace(facts, target=target.ticket, target_chain=chain, target_holders=tuple(dict.fromkeys(holders)))
    category = directory.categories.get(given.get(F.CATEGORY) or "")
    if category is not None and category.confidential:
        given["confidential_category"] = True
    if command.action is Action.ASSIGN and given.get(F.ASSIGNEE):
        order = facts.order(command.assignment or "")
        person = await workload.person_of(services.db, directory, order, str(given[F.ASSIGNEE])) if order else None
        if person is None:
            rule = "nobody of that id or login works in this department"
            return facts, command, Refusal(Code.INVALID, "the order cannot go there", errors=((F.ASSIGNEE, rule),))
        given[F.ASSIGNEE] = person
    if command.action in _GIVES_LIMITS:
        due = given.get(F.DUE_AT)
        if due is not None and due <= now and command.action in (Action.DISPATCH, Action.ASSIST):
            return (
                facts,
                command,
                Refusal(Code.INVALID, "a limit lies ahead", errors=((F.DUE_AT, "must be later than now"),)),
            )
        if due is not None and due > now + FURTHEST:
            rule = "within five years"
            return facts, command, Refusal(Code.INVALID, "a limit lies too far ahead", errors=((F.DUE_AT, rule),))
    return facts, replace(command, fields=given), None


def unknown_codes(directory: Directory, given: Mapping[Any, Any]) -> tuple[tuple[str, str], ...]:
    """Which of the codes given are not in the directory, or retired there: (field, rule)."""
    errors: list[tuple[str, str]] = []
    for field, noun in (
        (F.CATEGORY, "categories"),
        (F.AREA, "areas"),
        (F.DEPARTMENT, "departments"),
        (F.PERFORMER, "departments"),
    ):
        code = given.get(field)
        if code is not None and not _live(directory, noun, code):
            errors.append((field, f"unknown or retired: not in the directory's {noun}"))
    for place, code in enumerate(given.get(F.ASSISTS) or ()):
        if not _live(directory, "departments", code):
            errors.append((f"{F.ASSISTS}.{place}", "unknown or retired: not in the directory's departments"))
    named = [(F.DEPARTMENT, given.get(F.DEPARTMENT)), (F.PERFORMER, given.get(F.PERFORMER))]
    named += [(F.ASSISTS, code) for code in given.get(F.ASSISTS) or ()]
    for field, code in named:
        if code and not errors and directory.departments[code].kind is DepartmentKind.COMMITTEE:
            errors.append((field, "a committee oversees; it takes no orders"))
    return tuple(errors)


def _live(directory: Directory, noun: str, code: str) -> bool:
    item = directory.noun(noun).get(code)
    return item is not None and item.active


async def visible_ticket(services: Services, number: str, actor: Actor, scope: Scope | None = None) -> Facts:
    """The ticket, if it is the actor's to see. Raises Refused(NOT_FOUND) for both not there and not theirs."""
    read = read_number(number)
    facts = await ticket_facts.facts(services.db, scope or scope_of(actor), Number(read)) if read else None
    if facts is None:
        raise Refused(UNKNOWN)
    return facts


async def authors_for(services: Services, actor: Actor, ids: Iterable[str]) -> dict[str, str]:
    """The departments of those who wrote as handlers of one, by id, where this actor's view of a timeline depends on
    it: for a contractor."""
    return await people.handlers_among(services.db, ids) if actor.contractor else {}
