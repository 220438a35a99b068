"""Indexes tickets anew for search, after the form of words that the index holds has changed."""

import sqlalchemy as sa

from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import Row
from hotline.database.search_index import replace_entries
from hotline.database.tables import sequence
from hotline.database.write_plan import SearchEntry
from hotline.text.normalisation import FOLD_VERSION, folds_anew
from hotline.text.numbering import TicketNumber, serial_from_number
from hotline.tickets.tables import TICKET_WORDS
from hotline.tickets.tables import ticket as t

BATCH = 100  # tickets of one transaction
# how far it is: the last number that was looked at, in the order of numbers as text; _START, _DONE
_PROGRESS = f"{TICKET_WORDS.table}.{FOLD_VERSION}"
_START, _DONE = 0, -1
_TEXTS = (t.c.number, t.c.title, t.c.narrative, t.c.address)
_PERSON = (t.c.phone, t.c.caller_name, t.c.contact, t.c.confidential)


def index_batch(c: sa.Connection, after: str) -> str | None:
    """Index the BATCH tickets behind the number `after`, all of them; the last one. None: there are no more."""
    rows = c.execute(sa.select(*_TEXTS, *_PERSON).where(t.c.number > after).order_by(t.c.number).limit(BATCH)).all()
    replace_entries(c, [_entry(r) for r in rows])
    return str(rows[-1].number) if rows else None


def restart_index(c: sa.Connection) -> None:
    """Begin again with the first ticket."""
    insert_ignoring_duplicates(c, sequence, [{"name": _PROGRESS, "next": _START}])
    c.execute(sa.update(sequence).where(sequence.c.name == _PROGRESS).values(next=_START))


def index_next(c: sa.Connection, *, every: bool) -> int:
    """Index the next BATCH tickets; how many were looked at, 0 when all are done. `every` False: only those that fold
    otherwise than in the version before. Several workers may do so at once: each waits for the one before it."""
    insert_ignoring_duplicates(c, sequence, [{"name": _PROGRESS, "next": _START}])
    reached = c.execute(sa.select(sequence.c.next).where(sequence.c.name == _PROGRESS).with_for_update()).scalar_one()
    if reached == _DONE:
        return 0
    after = str(reached) if reached != _START else ""
    rows = c.execute(sa.select(*_TEXTS).where(t.c.number > after).order_by(t.c.number).limit(BATCH)).all()
    wanted = [r.number for r in rows if every or any(map(folds_anew, (r.title, r.narrative, r.address or "")))]
    if wanted:  # read again under lock: an amendment in between has indexed its own words
        locked = sa.select(*_TEXTS, *_PERSON).where(t.c.number.in_(wanted)).order_by(t.c.number).with_for_update()
        replace_entries(c, [_entry(r) for r in c.execute(locked)])
    reached = int(rows[-1].number) if len(rows) == BATCH else _DONE
    c.execute(sa.update(sequence).where(sequence.c.name == _PROGRESS).values(next=reached))
    return len(rows)


def _entry(r: Row) -> SearchEntry:
    rowid, texts = serial_from_number(TicketNumber(r.number)), (r.title, r.narrative, r.address)
    names = (r.phone, r.caller_name, r.contact)
    return SearchEntry(TICKET_WORDS, r.number, rowid, texts, names, not r.confidential, by_sound=(r.title, r.address))
