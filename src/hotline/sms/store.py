"""Texts of ours: one row from the first try on, reports that never lower it, the stop list, the log of tries."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant, in_words
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.inbound.model import InboundKind as K
from hotline.inbound.tables import inbound as i
from hotline.organisation.model.scopes import Scope
from hotline.sms.model.status import DELIVERY_RANK, TextStatus
from hotline.sms.model.templates import COUNT_EXEMPT, KEYWORD_REPLIES
from hotline.sms.tables import stop_list, text_out
from hotline.sms.tables import text_out as x
from hotline.tickets.store.channel_log import load_log_row, load_log_rows
from hotline.tickets.store.scope import confidential_column
from hotline.tickets.tables import ticket as t

NOT_ARRIVED = (
    TextStatus.TECHNICAL_FAILURE, TextStatus.UNDELIVERED, TextStatus.EXPIRED, TextStatus.REJECTED, TextStatus.CAPPED,
)  # fmt: skip
_RANK = sa.case(DELIVERY_RANK, value=x.c.status)


def insert_texts(c: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows of texts about to be tried; at a later try they are there already."""
    if rows:
        insert_ignoring_duplicates(c, x, rows)


def advance_status(c: sa.Connection, id: str, status: TextStatus, at: datetime, values: Mapping[str, Any]) -> bool:  # noqa: A002
    """Move a text on: a late or double word never lowers it. False: it stood as high already; `values` are kept where
    they fill a gap."""
    keep = {name: sa.func.coalesce(x.c[name], value) for name, value in values.items() if value is not None}
    higher = sa.update(x).where(x.c.id == id, DELIVERY_RANK[status] > _RANK)
    if c.execute(higher.values(status=status, status_at=at, **keep)).rowcount == 1:
        return True
    if keep:
        c.execute(sa.update(x).where(x.c.id == id).values(**keep))
    return False


def reset_for_resend(c: sa.Connection, id: str, at: datetime) -> bool:  # noqa: A002
    """Somebody wants a text that did not arrive to be sent once more. False: it is not such a one."""
    failed = sa.update(x).where(x.c.id == id, x.c.status.in_(NOT_ARRIVED))
    return c.execute(failed.values(status=TextStatus.CREATED, status_at=at)).rowcount == 1


def record_attempt(c: sa.Connection, id: str, gateway: str) -> None:  # noqa: A002
    """One more try, by this gateway."""
    c.execute(sa.update(x).where(x.c.id == id).values(attempts=x.c.attempts + 1, gateway=gateway, error=None))


def record_error(c: sa.Connection, id: str, error: str) -> None:  # noqa: A002
    c.execute(sa.update(x).where(x.c.id == id).values(error=error[:500]))


def hold_unsent(c: sa.Connection, id: str, status: TextStatus, why: str | None, at: datetime) -> None:  # noqa: A002
    """A text that was tried in vain is not sent any more."""
    unsent = sa.update(x).where(x.c.id == id, x.c.status == TextStatus.CREATED)
    c.execute(unsent.values(status=status, status_at=at, error=why))


def load_reported_text(c: sa.Connection, gateway: str, reference: str | None, provider_id: str | None) -> Row | None:
    """The text a report refers to: by our reference, else by the provider's id."""
    row = c.execute(sa.select(*x.c).where(x.c.id == reference)).first() if reference else None
    if row is None and provider_id:
        row = c.execute(sa.select(*x.c).where(x.c.gateway == gateway, x.c.provider_id == provider_id).limit(1)).first()
    return row


def add_to_stop_list(c: sa.Connection, phone: str, at: datetime, added_by: str) -> None:
    insert_ignoring_duplicates(c, stop_list, [{"phone": phone, "at": at, "by_id": added_by}])


def remove_from_stop_list(c: sa.Connection, phone: str) -> None:
    c.execute(sa.delete(stop_list).where(_is_stopped(phone)))


def _is_stopped(phone: str) -> sa.ColumnElement[bool]:
    return sa.or_(stop_list.c.phone == phone, stop_list.c.phone == stop_token(phone))


def stop_token(phone: str) -> str:
    """What stands on the stop list in place of the number of somebody who was erased."""
    return f"sha256:{hashlib.sha256(phone.encode()).hexdigest()}"


_STOPS = PreparedQuery(
    sa.select(*stop_list.c)
    .where(stop_list.c.phone > sa.bindparam("after", type_=stop_list.c.phone.type))
    .order_by(stop_list.c.phone)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_COUNTED_TEXTS = (
    sa.select(sa.func.count())
    .where(x.c.receiver == sa.bindparam("phone", type_=x.c.receiver.type))
    .where(x.c.id != sa.bindparam("id", type_=sa.String))
    .where(sa.not_(in_words(x.c.status, (TextStatus.STOPPED, TextStatus.CAPPED, TextStatus.WITHHELD))))
    .where(x.c.template.not_in([sa.literal_column(f"'{template}'") for template in COUNT_EXEMPT]))
)
_mine = x.alias("mine")
_THIS = _mine.c.id == sa.bindparam("id", type_=sa.String)
_STOPS_IT = sa.select(sa.func.count()).where(
    sa.or_(*(stop_list.c.phone == sa.bindparam(name, type_=stop_list.c.phone.type) for name in ("phone", "token")))
)
_STANDING = PreparedQuery(
    sa.select(
        _STOPS_IT.scalar_subquery().label("stopped"),
        sa.select(_mine.c.status).where(_THIS).scalar_subquery().label("status"),
        sa.select(_mine.c.gateway).where(_THIS).scalar_subquery().label("gateway"),
        _COUNTED_TEXTS.where(x.c.created_at > sa.bindparam("lately", type_=Instant)).scalar_subquery().label("recent"),
        _COUNTED_TEXTS.where(x.c.created_at > sa.bindparam("day", type_=Instant)).scalar_subquery().label("day"),
    )
)
_OF_TICKET = PreparedQuery(
    sa.select(*x.c, confidential_column(x.c.number))
    .where(x.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(x.c.created_at, x.c.id)
)


_TOLD = PreparedQuery(
    sa.select(x.c.id).where(
        x.c.number == sa.bindparam("number", type_=sa.String),
        x.c.receiver == sa.bindparam("phone", type_=x.c.receiver.type),
        x.c.sent_at.is_not(None),
    )
)


async def load_told_texts(db: Database, number: str, phone: str) -> list[str]:
    """The texts about a ticket that were handed over for this phone: their ids."""
    return [str(row.id) for row in await db.rows(_TOLD, number=number, phone=phone)]


_end, _end_of = x.alias("end_text"), t.alias("end_ticket")
_TOLD_TO_HAVE_JOINED = PreparedQuery(
    sa.select(x.c.id)
    .select_from(x.join(t, t.c.number == x.c.number))
    .where(
        x.c.receiver == sa.bindparam("phone", type_=x.c.receiver.type),
        sa.or_(x.c.template == "incident_joined", x.c.template == "incident_reopened"),
        x.c.number != sa.bindparam("number", type_=sa.String),
        x.c.sent_at.is_not(None),
        t.c.incident == sa.bindparam("incident", type_=sa.String),
        ~sa.exists()
        .where(
            _end.c.receiver == x.c.receiver,
            _end.c.template == "incident_over",
            _end.c.sent_at >= x.c.sent_at,
            _end_of.c.number == _end.c.number,
            _end_of.c.incident == t.c.incident,
        )
        .correlate(x, t),
    )
    .limit(1)
)
_TOLD_FINAL_WORD = PreparedQuery(
    sa.select(x.c.id)
    .select_from(x.join(t, t.c.number == x.c.number))
    .where(
        x.c.receiver == sa.bindparam("phone", type_=x.c.receiver.type),
        x.c.template == "incident_over",
        x.c.sent_at.is_not(None),
        t.c.incident == sa.bindparam("incident", type_=sa.String),
    )
    .limit(1)
)


async def was_told_to_have_joined(db: Database, incident: str, phone: str, number: str) -> bool:
    """Whether this phone was told of another ticket than `number` that it was merged in the incident, and not since
    that this is over."""
    row = await fetch_first(db, _TOLD_TO_HAVE_JOINED, incident=incident, phone=phone, number=number)
    return row is not None


async def was_told_final_word(db: Database, incident: str, phone: str) -> bool:
    """Whether this phone was told that the incident was over."""
    return await fetch_first(db, _TOLD_FINAL_WORD, incident=incident, phone=phone) is not None


async def load_stop_list(db: Database, after: str, limit: int) -> Sequence[Row]:
    """The stop list behind the number `after`, in an order that says nothing."""
    return await db.rows(_STOPS, after=after, limit=limit)


async def load_send_checks(db: Database, id: str, phone: str, recent_since: datetime, day_since: datetime) -> Row:  # noqa: A002
    """What decides whether a text may go, in one query: is the number stopped, where stands this text (status,
    gateway; None: it is new), how many others the number got since `recent_since` and since `day_since`."""
    token = stop_token(phone)
    return (await db.rows(_STANDING, id=id, phone=phone, token=token, lately=recent_since, day=day_since))[0]


async def load_ticket_texts(db: Database, number: str) -> Sequence[Row]:
    """Every text about a ticket, oldest first."""
    return await db.rows(_OF_TICKET, number=number)


async def load_texts(db: Database, scope: Scope, status: str, after: str, limit: int) -> Sequence[Row]:
    """Texts that stand in a state, oldest first; `confidential` beside each."""
    return await load_log_rows(db, x, scope, status, after, limit)


async def load_text(db: Database, scope: Scope, id: str) -> Row | None:  # noqa: A002
    """One of them. None: not there, or not theirs to see."""
    return await load_log_row(db, x, scope, id)


def delete_old_texts(c: sa.Connection, before: datetime, limit: int) -> int:
    """Delete old texts, whatever became of them; how many."""
    gone = 0
    for status in TextStatus:
        old = sa.select(x.c.id).where(x.c.status == status, x.c.created_at < before).limit(limit)
        gone += c.execute(sa.delete(x).where(x.c.id.in_(old))).rowcount
    return gone


_FINAL = (TextStatus.DELIVERED, TextStatus.UNDELIVERED, TextStatus.EXPIRED, TextStatus.REJECTED)
_DELIVERED = PreparedQuery(
    sa.select(
        text_out.c.gateway.label("way"),
        sa.func.count().label("texts"),
        sa.func.sum(
            sa.case(
                (
                    sa.and_(
                        in_words(text_out.c.status, (TextStatus.BUFFERED, TextStatus.SENT)),
                        text_out.c.sent_at <= sa.bindparam("slow", type_=Instant),
                    ),
                    1,
                ),
                else_=0,
            )
        ).label("slow"),
        sa.func.sum(sa.case((in_words(text_out.c.status, _FINAL), 1), else_=0)).label("reported"),
    )
    .where(text_out.c.sent_at > sa.bindparam("since", type_=Instant), text_out.c.gateway.is_not(None))
    .group_by(text_out.c.gateway)
)


async def load_delivery_counts(db: Database, since: datetime, slow: datetime) -> Sequence[Row]:
    """Texts by gateway since then, how many of them sent before `slow` have no final report, and how many have one:
    way, texts, slow, reported."""
    return await db.rows(_DELIVERED, since=since, slow=slow)


_RECENT = PreparedQuery(
    sa.select(
        t.c.number,
        t.c.status,
        t.c.category,
        t.c.flags,
        t.c.priority,
        t.c.closed_at,
        t.c.parent,
        t.c.created_at,
        t.c.version,
    )
    .where(t.c.caller == sa.bindparam("caller", type_=sa.String))
    .order_by(t.c.created_at.desc())
    .limit(20)
)
_TEXTED = PreparedQuery(  # the ticket of our last text to them, on the line they answer to
    sa.select(text_out.c.number)
    .where(text_out.c.receiver == sa.bindparam("phone", type_=x.c.receiver.type), text_out.c.number != "")
    .where(
        sa.or_(
            text_out.c.line == sa.bindparam("line", type_=sa.String),
            # a gateway without a sender number
            sa.and_(text_out.c.line.is_(None), text_out.c.gateway == sa.bindparam("gateway", type_=sa.String)),
        )
    )
    .order_by(text_out.c.created_at.desc())
    .limit(5)
)
_ASKED = PreparedQuery(  # the last we asked how satisfied they are
    sa.select(text_out.c.number)
    .where(
        text_out.c.receiver == sa.bindparam("phone", type_=x.c.receiver.type),
        text_out.c.template == sa.literal_column("'solved'"),
    )
    .order_by(text_out.c.created_at.desc())
    .limit(1)
)
_WROTE = PreparedQuery(
    sa.select(i.c.number)
    .where(i.c.sender == sa.bindparam("phone", type_=x.c.receiver.type), i.c.number.is_not(None))
    .where(i.c.receiver == sa.bindparam("line", type_=sa.String), i.c.kind == K.TEXT)
    .order_by(i.c.received_at.desc())
    .limit(1)
)


async def load_recent_tickets(db: Database, caller: str) -> Sequence[Row]:
    """The caller's own tickets, newest first, twenty at most."""
    return await db.rows(_RECENT, caller=caller)


_NARRATIVES = PreparedQuery(
    sa.select(t.c.narrative)
    .where(t.c.caller == sa.bindparam("caller", type_=sa.String))
    .order_by(t.c.created_at.desc())
    .limit(5)
)
_LANGUAGES = PreparedQuery(
    sa.select(x.c.language)
    .where(x.c.receiver == sa.bindparam("phone", type_=x.c.receiver.type))
    .where(x.c.template.not_in([sa.literal_column(f"'{template}'") for template in KEYWORD_REPLIES]))
    .order_by(x.c.created_at.desc())
    .limit(1)
)


async def load_thread_languages(db: Database, phone: str, caller: str) -> tuple[list[str], str | None]:
    """What tells in which language somebody is written to: the narratives of their newest tickets, newest first, and
    the language of our last text to them that was about a ticket."""
    narratives = [str(row.narrative) for row in await db.rows(_NARRATIVES, caller=caller)]
    last = await fetch_first(db, _LANGUAGES, phone=phone)
    return narratives, last.language if last is not None else None


async def load_thread_tickets(
    db: Database, phone: str, line: str, gateway: str, *, rating_requested: bool
) -> list[str]:
    """The tickets spoken of between this phone and this number of ours, the last first; with `rating_requested`, before
    them the one we asked an opinion of, by whatever gateway."""
    rows = list(await db.rows(_ASKED, phone=phone)) if rating_requested else []
    rows += await db.rows(_TEXTED, phone=phone, line=line, gateway=gateway)
    rows += await db.rows(_WROTE, phone=phone, line=line)
    return list(dict.fromkeys(str(r.number) for r in rows))
