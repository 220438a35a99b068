"""Texts of ours: one row from the first try on, reports that never lower it, the stop list, the log of tries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.domain.letters import UNCOUNTED
from hotline.domain.privacy import Scope
from hotline.domain.vocabulary import DELIVERY_RANK, MessageStatus, TextStatus

from .channel_log import in_state, that_one
from .columns import Instant, is_one_of
from .database import Database
from .once import insert_once
from .question import Question, Row
from .tables import attempt, outbox, stop_list
from .tables import text_out as x
from .tickets import confidential_of

NOT_ARRIVED = (
    TextStatus.TECHNICAL_FAILURE, TextStatus.UNDELIVERED, TextStatus.EXPIRED, TextStatus.REJECTED, TextStatus.CAPPED,
)  # fmt: skip
ENDED = (MessageStatus.SENT, MessageStatus.DEAD, MessageStatus.DROPPED, MessageStatus.EXPIRED)
_RANK = sa.case(DELIVERY_RANK, value=x.c.status)


def begin(c: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows of texts about to be tried; at a later try they are there already."""
    if rows:
        insert_once(c, x, rows)


def settle(c: sa.Connection, id: str, status: TextStatus, at: datetime, values: Mapping[str, Any]) -> bool:  # noqa: A002
    """Move a text on: a late or double word never lowers it. False: it stood as high already; `values` are kept where
    they fill a gap."""
    keep = {name: sa.func.coalesce(x.c[name], value) for name, value in values.items() if value is not None}
    higher = sa.update(x).where(x.c.id == id, DELIVERY_RANK[status] > _RANK)
    if c.execute(higher.values(status=status, status_at=at, **keep)).rowcount == 1:
        return True
    if keep:
        c.execute(sa.update(x).where(x.c.id == id).values(**keep))
    return False


def reopen(c: sa.Connection, id: str, at: datetime) -> bool:  # noqa: A002
    """Somebody wants a text that did not arrive to be sent once more. False: it is not such a one."""
    failed = sa.update(x).where(x.c.id == id, x.c.status.in_(NOT_ARRIVED))
    return c.execute(failed.values(status=TextStatus.CREATED, status_at=at)).rowcount == 1


def tried(c: sa.Connection, id: str, gateway: str) -> None:  # noqa: A002
    """One more try, by this gateway."""
    c.execute(sa.update(x).where(x.c.id == id).values(attempts=x.c.attempts + 1, gateway=gateway, error=None))


def fault(c: sa.Connection, id: str, error: str) -> None:  # noqa: A002
    c.execute(sa.update(x).where(x.c.id == id).values(error=error[:500]))


def log(c: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Tries, each once."""
    if rows:
        insert_once(c, attempt, rows)


def find(c: sa.Connection, gateway: str, reference: str | None, provider_id: str | None) -> Row | None:
    """The text a report speaks of: by our reference, else by the provider's id."""
    row = c.execute(sa.select(*x.c).where(x.c.id == reference)).first() if reference else None
    if row is None and provider_id:
        row = c.execute(sa.select(*x.c).where(x.c.gateway == gateway, x.c.provider_id == provider_id).limit(1)).first()
    return row


def stop(c: sa.Connection, phone: str, at: datetime, by: str) -> None:
    insert_once(c, stop_list, [{"phone": phone, "at": at, "by_id": by}])


def unstop(c: sa.Connection, phone: str) -> None:
    c.execute(sa.delete(stop_list).where(stop_list.c.phone == phone))


_STOPS = Question(
    sa.select(*stop_list.c)
    .where(stop_list.c.phone > sa.bindparam("after", type_=sa.String))
    .order_by(stop_list.c.phone)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_SENT = (
    sa.select(sa.func.count())
    .where(x.c.receiver == sa.bindparam("phone", type_=sa.String), x.c.id != sa.bindparam("id", type_=sa.String))
    .where(sa.not_(is_one_of(x.c.status, (TextStatus.STOPPED, TextStatus.CAPPED, TextStatus.WITHHELD))))
    .where(x.c.template.not_in([sa.literal_column(f"'{template}'") for template in UNCOUNTED]))
)
_mine = x.alias("mine")
_THIS = _mine.c.id == sa.bindparam("id", type_=sa.String)
_STOPS_IT = sa.select(sa.func.count()).where(stop_list.c.phone == sa.bindparam("phone", type_=sa.String))
_STANDING = Question(
    sa.select(
        _STOPS_IT.scalar_subquery().label("stopped"),
        sa.select(_mine.c.status).where(_THIS).scalar_subquery().label("status"),
        sa.select(_mine.c.gateway).where(_THIS).scalar_subquery().label("gateway"),
        _SENT.where(x.c.created_at > sa.bindparam("lately", type_=Instant)).scalar_subquery().label("lately"),
        _SENT.where(x.c.created_at > sa.bindparam("day", type_=Instant)).scalar_subquery().label("day"),
    )
)
_OF_TICKET = Question(
    sa.select(*x.c, confidential_of(x.c.number))
    .where(x.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(x.c.created_at, x.c.id)
)


_TRIES = Question(
    sa.select(*attempt.c).where(attempt.c.message == sa.bindparam("id", type_=sa.String)).order_by(attempt.c.n)
)


async def stopped(db: Database, after: str, limit: int) -> Sequence[Row]:
    """The stop list, in order of number."""
    return await db.rows(_STOPS, after=after, limit=limit)


async def standing(db: Database, id: str, phone: str, lately: datetime, day: datetime) -> Row:  # noqa: A002
    """What decides whether a text may go, in one question: is the number stopped, where stands this text (status,
    gateway; None: it is new), how many others the number got since `lately` and since `day`."""
    return (await db.rows(_STANDING, id=id, phone=phone, lately=lately, day=day))[0]


async def of_ticket(db: Database, number: str) -> Sequence[Row]:
    """Every text about a ticket, oldest first."""
    return await db.rows(_OF_TICKET, number=number)


async def listed(db: Database, scope: Scope, status: str, after: str, limit: int) -> Sequence[Row]:
    """Texts that stand in a state, oldest first; `confidential` beside each."""
    return await in_state(db, x, scope, status, after, limit)


async def a_text(db: Database, scope: Scope, id: str) -> Row | None:  # noqa: A002
    """One of them. None: not there, or not theirs to see."""
    return await that_one(db, x, scope, id)


async def tries(db: Database, id: str) -> Sequence[Row]:  # noqa: A002
    """Every try of a message, in order."""
    return await db.rows(_TRIES, id=id)


def forget(c: sa.Connection, before: datetime, limit: int) -> int:
    """Delete old tries, at most `limit`, with the messages that were sent by them, and those of the same ticket that
    were told with them; how many."""
    old = sa.select(attempt.c.message, attempt.c.n).where(attempt.c.at < sa.bindparam("before", before, type_=Instant))
    doomed = c.execute(old.limit(limit)).all()
    for row in doomed:
        c.execute(sa.delete(attempt).where(attempt.c.message == row.message, attempt.c.n == row.n))
    over = sa.and_(outbox.c.status.in_(ENDED), outbox.c.created_at < before)
    for message in {row.message for row in doomed}:
        c.execute(sa.delete(outbox).where(outbox.c.id == message, over))
    for ticket in {row.message.partition(".")[0] for row in doomed}:
        c.execute(sa.delete(outbox).where(outbox.c.id > f"{ticket}.", outbox.c.id < f"{ticket}/", over))
    return len(doomed)


def forget_texts(c: sa.Connection, before: datetime, limit: int) -> int:
    """Delete old texts, whatever became of them; how many."""
    gone = 0
    for status in TextStatus:
        old = sa.select(x.c.id).where(x.c.status == status, x.c.created_at < before).limit(limit)
        gone += c.execute(sa.delete(x).where(x.c.id.in_(old))).rowcount
    return gone
