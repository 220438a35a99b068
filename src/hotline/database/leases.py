"""Leases, timed by the database's clock because all workers share it."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import parse_instant

MARGIN = timedelta(minutes=1)  # more than a statement may have to wait within its transaction
MAX_CLOCK_AHEAD = timedelta(seconds=5)  # a row made so far in the future was made by a wrong clock


def database_time(c: sa.Connection) -> datetime:
    """What the database's clock says now, within this transaction."""
    given: Any = c.get_execution_options().get("clock")
    if given is not None:  # a test moves it
        now: datetime = given()
        return now
    statement = "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')" if c.dialect.name == "sqlite" else _CLOCK
    moment = parse_instant(c.exec_driver_sql(statement).scalar_one())
    if moment is None:
        raise TypeError("the database returned no time")
    return moment


_CLOCK = "SELECT clock_timestamp()"


def is_free(until: sa.ColumnElement[Any], at: datetime, longest: timedelta) -> sa.ColumnElement[bool]:
    """No lease, one that has ended, or one that ends later than any given now could: the clock it was given by has been
    set back since, so it is ignored. `at`: the database's time; `longest`: of such leases."""
    return sa.or_(until.is_(None), until <= at, until > at + longest + MARGIN)
