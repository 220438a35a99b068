"""The guards of the life cycle: conditions beyond state, role and fields, each with the sentence a refused caller
reads."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from hotline.organisation.model.actors import Actor
from hotline.tickets.model.publication import is_public, may_publish, tells_who_called
from hotline.tickets.model.ticket import Assignment, Command, Facts
from hotline.tickets.model.undo import undo_until, undone_line
from hotline.tickets.model.vocabulary import (
    OPEN,
    Field,
    Guard,
    Part,
    Satisfaction,
    TicketStatus,
    is_split,
)

T, F, G = TicketStatus, Field, Guard
REOPEN_DAYS = 30  # the same matter within 30 days is the same ticket (Beijing regulation 2021, art. 11(3))
MOST_REOPENS = 2  # beyond it the matter is supervised or explained, not sent round again
MOST_RETURNS = 2  # of one ticket; after that the next unit is ruled responsible
MOST_EXTENSIONS = 2
CALL_BACK_TRIES = 3  # on different half-days, before an unreachable caller lets a ticket close

# tell twin rows apart
SELECTING_GUARDS = frozenset({G.HAS_LEAD, G.NO_LEAD, G.TRIAGED_BEFORE, G.NOT_TRIAGED, G.IS_LEAD, G.IS_ASSIST})

GuardTest = Callable[[Facts, Assignment | None, Command | None, Actor, datetime], bool]

# Each guard: the test, and the sentence a refused caller reads. Without a command (allowed_actions) a guard that looks
# at its fields lets the action be offered.
GUARDS: Mapping[Guard, tuple[GuardTest, str]] = {
    G.HAS_LEAD: (lambda f, a, c, w, n: f.lead() is not None, "no lead order is running"),
    G.NO_LEAD: (lambda f, a, c, w, n: f.lead() is None, "a lead order is running"),
    G.TRIAGED_BEFORE: (lambda f, a, c, w, n: f.ticket.triaged_at is not None, "the ticket was never triaged"),
    G.NOT_TRIAGED: (lambda f, a, c, w, n: f.ticket.triaged_at is None, "the ticket was triaged"),
    G.IS_LEAD: (lambda f, a, c, w, n: a is not None and a.part is Part.LEAD, "only for the lead order"),
    G.IS_ASSIST: (lambda f, a, c, w, n: a is not None and a.part is Part.ASSIST, "only for an assisting order"),
    G.ASSISTS_DONE: (
        lambda f, a, c, w, n: f.assists_ended(),
        "an assisting department has neither reported nor been waived",
    ),
    G.IN_HAND: (lambda f, a, c, w, n: f.ticket.status is T.DISPATCHED, "the ticket is not in hand now"),
    G.NOT_RULED: (
        lambda f, a, c, w, n: a is not None and not a.ruled and a.department not in f.ticket.ruled,
        "this department was ruled responsible and may not return the order again",
    ),
    G.RETURNS_LEFT: (
        lambda f, a, c, w, n: f.ticket.returns < MOST_RETURNS,
        f"the ticket was returned {MOST_RETURNS} times already",
    ),
    G.BEFORE_DUE: (
        lambda f, a, c, w, n: a is None or a.due_at is None or n <= a.due_at,
        "the limit has passed already",
    ),
    G.LATER_DUE: (
        lambda f, a, c, w, n: c is None or a is None or c.fields[F.DUE_AT] > max(n, a.due_at or n),
        "the new limit must be later than now and than the present one",
    ),
    G.LATER_LIMIT: (
        lambda f, a, c, w, n: (
            c is None or a is None or (c.fields.get(F.DUE_AT) or a.asked_due_at or n) > max(n, a.due_at or n)
        ),
        "the approved limit must be later than now and than the present one",
    ),
    G.EXTENSION_LEFT: (
        lambda f, a, c, w, n: a is None or a.extensions < MOST_EXTENSIONS,
        f"extended {MOST_EXTENSIONS} times already",
    ),
    G.NO_EXTENSION_ASKED: (lambda f, a, c, w, n: a is None or a.asked_due_at is None, "an extension is being decided"),
    G.EXTENSION_ASKED: (
        lambda f, a, c, w, n: a is not None and a.asked_due_at is not None,
        "no extension was asked for",
    ),
    G.IN_30_DAYS: (
        lambda f, a, c, w, n: f.ticket.closed_at is not None and n - f.ticket.closed_at <= timedelta(days=REOPEN_DAYS),
        f"closed more than {REOPEN_DAYS} days ago: take a new call",
    ),
    G.REOPENS_LEFT: (
        lambda f, a, c, w, n: f.ticket.reopens < MOST_REOPENS,
        f"reopened {MOST_REOPENS} times already: a supervisor decides",
    ),
    G.TARGET_OPEN: (
        lambda f, a, c, w, n: c is None or f.target is None or f.target.status in OPEN,
        "the target is not open: merge into the ticket that carries the matter now",
    ),
    G.TARGET_HAS_ORDER: (
        lambda f, a, c, w, n: (
            f.lead() is None or f.target is None or f.target.status is T.RESOLVED or f.target.department is not None
        ),
        "an order of this ticket runs and the target has none: merge the target into this one, or dispatch it first",
    ),
    G.NO_CYCLE: (
        lambda f, a, c, w, n: f.target is None or f.ticket.number not in (f.target.number, *f.target_chain),
        "a ticket cannot be merged into itself or into one of its own",
    ),
    G.NOT_PARENT: (lambda f, a, c, w, n: f.children == 0, "other tickets were merged into this one"),
    G.NOT_SPLIT: (lambda f, a, c, w, n: not is_split(f.ticket.flags), "the ticket was split before"),
    G.UNREACHABLE_TRIED: (
        lambda f, a, c, w, n: (
            c is None
            or c.fields.get(F.SATISFACTION) is not Satisfaction.NO_ANSWER
            or f.ticket.call_backs >= CALL_BACK_TRIES
            or not (f.ticket.phone or f.ticket.contact)
            or not f.ticket.reply_wanted
        ),
        f"no_answer needs {CALL_BACK_TRIES} call-back attempts first",
    ),
    G.NOT_CONFIDENTIAL: (
        lambda f, a, c, w, n: not f.ticket.confidential and not w.contractor,
        "the caller is confidential",
    ),
    G.NEW_DEPARTMENT: (
        lambda f, a, c, w, n: c is None or not f.has_order(c.fields.get(F.DEPARTMENT)),
        "this department has a running order on the ticket already",
    ),
    G.OTHER_DEPARTMENT: (
        lambda f, a, c, w, n: c is None or a is None or c.fields.get(F.DEPARTMENT) != a.department,
        "the suggested department must be another one",
    ),
    G.MAY_PUBLISH: (
        lambda f, a, c, w, n: may_publish(f.ticket, f.directory),
        "nothing is published of this category and channel, or of this matter",
    ),
    G.IS_PUBLIC: (lambda f, a, c, w, n: is_public(f.ticket, f.directory), "nothing of the ticket is public"),
    G.NAMES_NOBODY: (
        lambda f, a, c, w, n: c is None or not tells_who_called(f.ticket, str(c.fields.get(F.PUBLIC_TEXT) or "")),
        "the text holds the caller's name or number",
    ),
    G.UNCLAIMED: (lambda f, a, c, w, n: a is None or a.assignee is None, "this order is claimed already"),
    G.UNDOABLE: (
        lambda f, a, c, w, n: f.last is not None and undone_line(f.last.entries) is not None,
        "the last step is none that can be undone, or too long ago",
    ),
    G.OWN_STEP: (
        lambda f, a, c, w, n: f.last is None or (f.last.entries[0].by_kind, f.last.entries[0].by_id) == (w.kind, w.id),
        "somebody else took the last step",
    ),
    G.IN_TEN_SECONDS: (
        lambda f, a, c, w, n: f.last is None or n <= undo_until(f.last),
        "a step can be undone for ten seconds",
    ),
    G.WITH_TICKET: (lambda f, a, c, w, n: False, "an order goes back with its ticket: undo the step there"),
    G.REVIEW_AHEAD: (
        lambda f, a, c, w, n: c is None or n < c.fields[F.REVIEW_AT] <= n + timedelta(days=90),
        "the review date must lie within the next 90 days",
    ),
}

# The field that a guard judges: a refusal names it where it was sent. The others judge the ticket, and name themselves.
GUARD_FIELDS: Mapping[Guard, Field] = {
    G.LATER_DUE: F.DUE_AT,
    G.LATER_LIMIT: F.DUE_AT,
    G.REVIEW_AHEAD: F.REVIEW_AT,
    G.TARGET_OPEN: F.TARGET,
    G.TARGET_HAS_ORDER: F.TARGET,
    G.NO_CYCLE: F.TARGET,
    G.UNREACHABLE_TRIED: F.SATISFACTION,
    G.NAMES_NOBODY: F.PUBLIC_TEXT,
    G.NEW_DEPARTMENT: F.DEPARTMENT,
    G.OTHER_DEPARTMENT: F.DEPARTMENT,
}
