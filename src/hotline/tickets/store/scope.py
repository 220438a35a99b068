"""Which tickets a scope may see, as a condition of every query."""

from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Among, is_one_of
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.vocabulary import THEIRS
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import ticket as t

held_orders = a.alias("held")


def visible(scope: Scope) -> sa.ColumnElement[bool]:
    """The WHERE of everybody: the desk by area, a department by the orders it holds or performs, a key by what it
    opened."""
    ways: list[sa.ColumnElement[bool]] = []
    if scope.whole:
        ways.append(sa.true() if scope.areas is None else Among(t.c.area, "areas"))
    if scope.departments:
        theirs = (
            sa.select(sa.literal(1))
            .select_from(held_orders)
            .where(held_orders.c.number == t.c.number, is_one_of(held_orders.c.status, THEIRS))
        )
        by = sa.or_(Among(held_orders.c.department, "theirs"), Among(held_orders.c.performer, "theirs"))
        held = theirs.where(by).correlate(t).exists()
        ways.append(held if scope.areas is None else sa.and_(held, Among(t.c.area, "areas")))
    if scope.creator is not None:
        ways.append(t.c.created_by == sa.bindparam("creator", type_=sa.String))
    return sa.or_(*ways) if ways else sa.false()


def seen_by(scope: Scope) -> dict[str, Any]:
    """The values `visible` asks for."""
    values: dict[str, Any] = {}
    if scope.areas is not None:
        values["areas"] = sorted(scope.areas)
    if scope.departments:
        values["theirs"] = sorted(scope.departments)
    if scope.creator is not None:
        values["creator"] = scope.creator
    return values


def whole_scope(by_area: bool) -> Scope:
    """The form of a scope that sees by area, to build a question from."""
    return Scope(True, frozenset() if by_area else None, frozenset())


def of_their_tickets(number: sa.ColumnElement[str | None], scope: Scope) -> sa.ColumnElement[bool]:
    """The WHERE of what belongs to tickets: all of it for who sees every ticket, else what belongs to one of theirs."""
    if scope.whole and scope.areas is None:
        return sa.true()
    return sa.select(sa.literal(1)).select_from(t).where(t.c.number == number, visible(scope)).exists()


def confidential_of(number: sa.ColumnElement[str | None]) -> sa.Label[Any]:
    """Beside a row: whether its ticket is confidential; NULL: it has none."""
    return sa.select(t.c.confidential).where(t.c.number == number).scalar_subquery().label("confidential")
