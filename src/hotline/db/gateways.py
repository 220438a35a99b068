"""Gateways as kept: who we speak with, and how heavily each of them is used."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.domain.vocabulary import TextStatus

from .columns import Instant, is_one_of
from .database import Database
from .question import Question, Row
from .tables import attempt, text_out
from .tables import gateway as g

_ALL = Question(sa.select(*g.c).order_by(g.c.name))


async def every(db: Database) -> Sequence[Row]:
    """Every gateway, in order of name."""
    return await db.rows(_ALL)


def keep(c: sa.Connection, row: Mapping[str, Any]) -> None:
    """A new one. IntegrityError where the name is taken."""
    c.execute(sa.insert(g).values(**row))


def change(c: sa.Connection, name: str, values: Mapping[str, Any], version: int | None = None) -> bool:
    """Set columns; with `version`, only if it still stands there. False: it does not, or there is none."""
    where = [g.c.name == name] + ([g.c.version == version] if version is not None else [])
    return c.execute(sa.update(g).where(*where).values(**values, version=g.c.version + 1)).rowcount == 1


def remove(c: sa.Connection, name: str) -> bool:
    return c.execute(sa.delete(g).where(g.c.name == name)).rowcount == 1


_TRIED = Question(
    sa.select(
        attempt.c.way,
        sa.func.count().label("tries"),
        sa.func.sum(sa.case((attempt.c.good.is_(False), 1), else_=0)).label("errors"),
    )
    .where(attempt.c.at > sa.bindparam("since", type_=Instant))
    .group_by(attempt.c.way)
)
_FINAL = (TextStatus.DELIVERED, TextStatus.UNDELIVERED, TextStatus.EXPIRED, TextStatus.REJECTED)
_DELIVERED = Question(
    sa.select(
        text_out.c.gateway.label("way"),
        sa.func.count().label("texts"),
        sa.func.sum(
            sa.case(
                (
                    sa.and_(
                        is_one_of(text_out.c.status, (TextStatus.BUFFERED, TextStatus.SENT)),
                        text_out.c.sent_at <= sa.bindparam("slow", type_=Instant),
                    ),
                    1,
                ),
                else_=0,
            )
        ).label("slow"),
        sa.func.sum(sa.case((is_one_of(text_out.c.status, _FINAL), 1), else_=0)).label("reported"),
    )
    .where(text_out.c.sent_at > sa.bindparam("since", type_=Instant), text_out.c.gateway.is_not(None))
    .group_by(text_out.c.gateway)
)


async def tried(db: Database, since: datetime) -> Sequence[Row]:
    """Tries by way since then: way, tries, errors."""
    return await db.rows(_TRIED, since=since)


async def under_way(db: Database, since: datetime, slow: datetime) -> Sequence[Row]:
    """Texts by gateway since then, how many of them sent before `slow` have no final report, and how many have one:
    way, texts, slow, reported."""
    return await db.rows(_DELIVERED, since=since, slow=slow)


def lock(c: sa.Connection) -> Sequence[Row]:
    """The gateways that send, held until the weights are set: nobody else shifts them meanwhile."""
    return c.execute(sa.select(*g.c).where(g.c.sends, g.c.active).order_by(g.c.name).with_for_update()).all()
