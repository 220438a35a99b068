"""Who a caller is and which tickets they have a part in; tickets whose personal data is past its time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import MatchesSearch, in_words
from hotline.database.personal_data import Subject, among
from hotline.security_log.tables import redaction
from hotline.text.personal import ErasedPerson, number_key
from hotline.tickets.model.vocabulary import OPEN
from hotline.tickets.store.lists import search_expression
from hotline.tickets.tables import TICKET_WORDS, attachment, call, caller, ticket

SHORTEST_NAME = 2  # characters: one alone stands in every text
_WORDS = sa.table(TICKET_WORDS.table, sa.column(TICKET_WORDS.key, sa.String))
_Condition = sa.ColumnElement[bool]


def find_phone(c: sa.Connection, caller_id: str) -> str | None:
    """The number of a caller. None: there is no such caller."""
    found: str | None = c.execute(sa.select(caller.c.phone).where(caller.c.id == caller_id)).scalar()
    return found


def load_subject(c: sa.Connection, caller_id: str, phone: str | None, pseudonym: str) -> Subject:
    """A caller with all tickets that hold something of them."""

    def theirs(table: sa.Table) -> _Condition:
        same = table.c.caller == caller_id
        return sa.or_(same, table.c.phone == phone) if phone else same

    opened = c.execute(sa.select(ticket.c.number, ticket.c.caller_name, ticket.c.contact).where(theirs(ticket))).all()
    calls = c.execute(sa.select(call.c.number, call.c.caller_name, call.c.narrative).where(theirs(call))).all()
    known = c.execute(sa.select(caller.c.name).where(caller.c.id == caller_id)).scalars()
    numbers = [row.number for row in opened]
    others = {
        *c.execute(sa.select(call.c.number).where(among(call.c.number, numbers), _not(theirs(call)))).scalars(),
        *c.execute(sa.select(ticket.c.parent).where(among(ticket.c.parent, numbers), _not(theirs(ticket)))).scalars(),
    }
    parents = sa.select(ticket.c.parent).where(among(ticket.c.number, numbers), ticket.c.parent.is_not(None))
    joined = {row.number for row in calls} | {*c.execute(parents).scalars(), *_naming(c, phone)}
    names = [*known, *(name for row in opened for name in (row.caller_name, row.contact))]
    names += [row.caller_name for row in calls]
    given = dict.fromkeys(name.strip() for name in names if name and len(name.strip()) >= SHORTEST_NAME)
    person = ErasedPerson(
        caller_id, pseudonym, (number_key(phone),) if phone else (), tuple(sorted(given, key=len, reverse=True))
    )
    return Subject(
        person,
        phone,
        whole=tuple(sorted(set(numbers) - others)),
        opened=tuple(sorted(set(numbers) & others)),
        joined=tuple(sorted(joined - set(numbers))),
        told=tuple(dict.fromkeys(row.narrative for row in calls)),
    )


def _not(condition: _Condition) -> _Condition:
    """Where the condition does not hold, or nobody knows."""
    return sa.not_(sa.func.coalesce(condition, sa.false()))


def _naming(c: sa.Connection, phone: str | None) -> list[str]:
    """The tickets in whose words the number stands."""
    words = search_expression(phone, c.dialect) if phone else None
    if words is None:
        return []
    query = sa.select(_WORDS.c.number).where(MatchesSearch(TICKET_WORDS, _WORDS.c.number, "words"))
    return list(c.execute(query, {"words": words}).scalars())


def load_open_tickets(c: sa.Connection, subject: Subject) -> list[str]:
    """The open tickets that are the subject's, or that they called about."""
    calls = sa.select(call.c.number).where(call.c.caller == subject.person.id)
    theirs = sa.or_(
        among(ticket.c.number, (*subject.whole, *subject.opened)),
        sa.and_(among(ticket.c.number, subject.joined), ticket.c.number.in_(calls)),
    )
    query = sa.select(ticket.c.number).where(theirs, in_words(ticket.c.status, OPEN)).order_by(ticket.c.number)
    return list(c.execute(query).scalars())


def _past(before: datetime) -> _Condition:
    """Tickets that ended before then and still hold personal data."""
    erased = sa.exists().where(
        redaction.c.ticket == ticket.c.number, redaction.c.whole.is_(True), redaction.c.at >= ticket.c.ended_at
    )
    return sa.and_(ticket.c.ended_at < before, sa.not_(erased))


def count_past_tickets(c: sa.Connection, before: datetime) -> int:
    """How many ended tickets of before then still hold personal data."""
    return int(c.execute(sa.select(sa.func.count()).select_from(ticket).where(_past(before))).scalar_one())


def load_past_tickets(c: sa.Connection, before: datetime, limit: int) -> Sequence[Any]:
    """Number and caller of the next of them, longest ended first."""
    query = sa.select(ticket.c.number, ticket.c.caller).where(_past(before)).order_by(ticket.c.ended_at).limit(limit)
    return c.execute(query).all()


def _past_files(before: datetime) -> _Condition:
    ended = sa.select(ticket.c.number).where(ticket.c.ended_at < before)
    return attachment.c.number.in_(ended)


def count_past_files(c: sa.Connection, before: datetime) -> int:
    """How many files belong to tickets that ended before then."""
    return int(c.execute(sa.select(sa.func.count()).select_from(attachment).where(_past_files(before))).scalar_one())


def delete_past_files(c: sa.Connection, before: datetime, limit: int) -> list[str]:
    """Delete the rows of files of tickets that ended before then; their hashes."""
    rows = c.execute(
        sa.select(attachment.c.id, attachment.c.sha256)
        .where(_past_files(before))
        .order_by(attachment.c.at)
        .limit(limit)
    ).all()
    c.execute(sa.delete(attachment).where(among(attachment.c.id, [row.id for row in rows])))
    return [row.sha256 for row in rows]


def unused_files(c: sa.Connection, hashes: Collection[str]) -> set[str]:
    """Those of these files that no ticket has any more."""
    used = c.execute(sa.select(attachment.c.sha256).where(among(attachment.c.sha256, hashes))).scalars()
    return set(hashes) - set(used)


def _past_callers(before: datetime) -> _Condition:
    open_ticket = sa.exists().where(ticket.c.caller == caller.c.id, in_words(ticket.c.status, OPEN))
    return sa.and_(caller.c.seen_at < before, sa.not_(open_ticket))


def count_past_callers(c: sa.Connection, before: datetime) -> int:
    """How many callers have no open ticket and were not heard of since then."""
    return int(c.execute(sa.select(sa.func.count()).select_from(caller).where(_past_callers(before))).scalar_one())


def delete_past_callers(c: sa.Connection, before: datetime, limit: int) -> int:
    """Delete the cards of such callers; how many."""
    old = sa.select(caller.c.id).where(_past_callers(before)).limit(limit)
    return c.execute(sa.delete(caller).where(caller.c.id.in_(old))).rowcount
