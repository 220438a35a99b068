"""Which database errors are outages: the same request may succeed later, unchanged."""

import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa

from hotline.database.engine import CommitUnknown, DatabaseFull, DatabaseUnavailable
from hotline.refusals import Refused

OUTAGES = (DatabaseUnavailable, DatabaseFull, CommitUnknown)  # what the engines raise for them
DISK_FULL = "53100"
# SQLSTATE classes: connection, insufficient resources, operator intervention, system error, internal error; the login
# is refused; the transaction was rolled back for others' sake
_CLASSES = ("08", "53", "57", "58", "XX", "28", "40")
_STATES = frozenset(
    {
        "25006",  # read only: a standby, or a server that protects its last bytes
        "25P03",  # ended: idle in a transaction
        "25P04",  # ended: the transaction took too long
        "3D000",  # the database is being restored
        "42501",  # the role has lost its rights
        "42P01",  # the tables are being restored
        "55006",  # in use
        "55P03",  # locked
    }
)
_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOTADB,
    }
)  # fmt: skip


def outage_of(fault: BaseException) -> Refused | None:
    """DatabaseUnavailable or DatabaseFull for a driver's error that an engine did not translate. None: the request or
    the code is at fault."""
    for cause in _causes(fault):
        state = getattr(cause, "sqlstate", None)
        if state == DISK_FULL:
            return DatabaseFull()
        if isinstance(state, str) and (state[:2] in _CLASSES or state in _STATES):
            return DatabaseUnavailable("the database cannot take this now")
        if isinstance(cause, sqlite3.Error):
            primary = getattr(cause, "sqlite_errorcode", 0) & 0xFF
            if primary == sqlite3.SQLITE_FULL:
                return DatabaseFull()
            if primary in _SQLITE:
                return DatabaseUnavailable("the database cannot take this now")
        if isinstance(cause, sa.exc.TimeoutError):
            return DatabaseUnavailable("all database connections are busy")
    return None


def _causes(fault: BaseException) -> Iterator[BaseException]:
    """The fault, the driver's own beneath it, and what that was raised from."""
    found: BaseException | None = fault
    while found is not None:
        yield found
        found = getattr(found, "orig", None) or found.__cause__
