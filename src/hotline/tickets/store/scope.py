"""Which tickets a scope may see, as a condition of every query."""

from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, in_words
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.vocabulary import HELD
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import ticket as t

held_orders = a.alias("held")


def scope_condition(scope: Scope) -> sa.ColumnElement[bool]:
    """The WHERE of everybody: the desk by area, a department by the orders it holds or performs, a key by what it
    opened."""
    conditions: list[sa.ColumnElement[bool]] = []
    if scope.whole:
        conditions.append(sa.true() if scope.areas is None else InCodes(t.c.area, "areas"))
    if scope.departments:
        theirs = (
            sa.select(sa.literal(1))
            .select_from(held_orders)
            .where(held_orders.c.number == t.c.number, in_words(held_orders.c.status, HELD))
        )
        by = sa.or_(InCodes(held_orders.c.department, "theirs"), InCodes(held_orders.c.performer, "theirs"))
        held = theirs.where(by).correlate(t).exists()
        conditions.append(held if scope.areas is None else sa.and_(held, InCodes(t.c.area, "areas")))
    if scope.creator is not None:
        conditions.append(t.c.created_by == sa.bindparam("creator", type_=sa.String))
    return sa.or_(*conditions) if conditions else sa.false()


def scope_parameters(scope: Scope) -> dict[str, Any]:
    """The parameters of `scope_condition`: areas, theirs and creator, each where the scope has it."""
    values: dict[str, Any] = {}
    if scope.areas is not None:
        values["areas"] = sorted(scope.areas)
    if scope.departments:
        values["theirs"] = sorted(scope.departments)
    if scope.creator is not None:
        values["creator"] = scope.creator
    return values


def scope_form(scope: Scope) -> Scope:
    """The form of a scope, to build a query from: scopes that differ in their values alone have the same."""
    return Scope(
        scope.whole,
        frozenset() if scope.areas is not None else None,
        frozenset({"x"} if scope.departments else ()),
        "x" if scope.creator is not None else None,
    )


def desk_scope(by_area: bool) -> Scope:
    """The form of a scope that sees by area, to build a query from."""
    return Scope(True, frozenset() if by_area else None, frozenset())


def ticket_scope_condition(number: sa.ColumnElement[str | None], scope: Scope) -> sa.ColumnElement[bool]:
    """The WHERE of what belongs to tickets: all of it for who sees every ticket, else what belongs to one of theirs."""
    if scope.whole and scope.areas is None:
        return sa.true()
    return sa.select(sa.literal(1)).select_from(t).where(t.c.number == number, scope_condition(scope)).exists()


def confidential_column(number: sa.ColumnElement[str | None]) -> sa.Label[Any]:
    """Beside a row: whether its ticket is confidential; NULL: it has none."""
    return sa.select(t.c.confidential).where(t.c.number == number).scalar_subquery().label("confidential")
