"""Replacing the look-up key, by which callers, numbers, keys and sessions are found: a new one is accepted, then used,
then older rows are moved to it in batches, then the earlier one is dropped. Broken off, it is begun again."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant, SealedKey
from hotline.database.metadata import metadata
from hotline.database.sealing_rows import seal_anew_next, sealed_tables
from hotline.operations.processes import load_known_lookups
from hotline.operations.stored_keys import (
    PROGRESS,
    LookupStep,
    keep_dropped,
    read_stored_keys,
    read_value,
    take_dropped,
    write_lookups,
    write_value,
)
from hotline.organisation.tables import api_key, recovery_code, session
from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import lookup_key, lookup_key_id, lookup_keys, new_lookup_key
from hotline.text.phones import caller_id, detached_caller_id
from hotline.tickets.context import Services
from hotline.tickets.store.search_index import index_batch
from hotline.tickets.tables import call, caller, ticket

BATCH = 200  # rows of one transaction
NOTHING_DROPPED = Refusal(Code.CONFLICT, "no dropped look-up key is kept, or one is being replaced")
_TRIES = 5  # of a batch: a server may write the same row at the same moment
# rows that are unique by a number: what is kept of two that say the same of it (the least, the greatest), and which
# rows are meant
_ONE_OF_A_NUMBER: dict[str, tuple[tuple[str, ...], tuple[str, ...], str | None]] = {
    "stop_list": (("at",), (), None),
    "return_call": (("at",), ("last_at", "missed", "tries"), "open"),
}
NOT_MOVED = Refusal(
    Code.CONFLICT, "rows are still found by the look-up key before: run `hotline secret rotate --lookups`"
)


def advance_lookups(c: sa.Connection, secret: bytes, now: datetime, *, force: bool = False) -> LookupStep:
    """The next step of the replacement that is no work on rows: the step that it is at then. Raises Refused while a
    process runs that does not accept the new key; `force`: not for that."""
    stored = read_stored_keys(c, secret)
    if stored.step is None:
        write_lookups(c, secret, [*stored.lookups, new_lookup_key()], LookupStep.ACCEPTED, now)
        return LookupStep.ACCEPTED
    if stored.step is LookupStep.ACCEPTED:
        new = lookup_key_id(stored.lookups[-1])
        unaware = sum(new not in known for known in load_known_lookups(c, now))
        if unaware and not force:
            raise Refused(
                _running(unaware, "do not accept the new look-up key yet", "would not find what others write")
            )
        write_lookups(c, secret, stored.lookups[::-1], LookupStep.USED, now)
        return LookupStep.USED
    return stored.step


def drop_lookups(c: sa.Connection, secret: bytes, now: datetime, *, force: bool = False) -> None:
    """Accept the look-up key in use alone; the other one is kept sealed for DROPPED_KEPT. Raises Refused while rows are
    still to be moved to it, or while a process runs that writes with the other one; `force`: not for that."""
    stored = read_stored_keys(c, secret)
    if stored.step is LookupStep.USED:
        raise Refused(NOT_MOVED)
    used = lookup_key_id(stored.lookups[0])
    others = sum(known[:1] != [used] for known in load_known_lookups(c, now))
    if others and not force:
        raise Refused(_running(others, "write with the look-up key to be dropped", "would write what nobody can open"))
    keep_dropped(c, secret, stored.lookups[1:], now)
    write_lookups(c, secret, stored.lookups[:1], None, now)


def restore_lookup(c: sa.Connection, secret: bytes, now: datetime) -> None:
    """Accept the look-up key that was dropped last again: rows are moved from it once more. Raises Refused where none
    is kept, or where another one is being replaced."""
    stored = read_stored_keys(c, secret)
    dropped = take_dropped(c, secret) if stored.step is None else []
    if not dropped:
        raise Refused(NOTHING_DROPPED)
    write_lookups(c, secret, [*stored.lookups, *dropped], LookupStep.USED, now)


def _running(count: int, what: str, harm: str) -> Refusal:
    why = (
        f"{count} running processes {what}: restart them, or wait five minutes after they stopped. They {harm}: --force"
    )
    return Refusal(Code.CONFLICT, f"{why} goes on all the same")


@dataclass(frozen=True, slots=True)
class LookupRotation:
    """What was done. `moved`: rows by table; `left`: rows that a server has written with the other key meanwhile."""

    moved: Counter[str]
    left: int


@dataclass(frozen=True, slots=True)
class _Progress:
    """`place`: in the order of the batches; `after`: the last row that was reached there; `left`: rows that the second
    look found."""

    place: int = 0
    after: Any = None
    moved: Mapping[str, int] = field(default_factory=dict)
    left: int = 0


_Batch = Callable[..., tuple[int, Any]]  # (connection, after=...) -> how many rows were moved, the last one's key


def _batches(secret: bytes) -> list[tuple[str, _Batch]]:
    """What moves the rows of each table, in order."""
    found: list[tuple[str, _Batch]] = [("caller", partial(_move_cards, secret=secret))]
    for table, key in ((ticket, ticket.c.number), (call, call.c.id)):
        found.append((str(table.name), partial(_move_callers, secret=secret, key=key)))
    return found + [(name, partial(_seal_numbers, name=name)) for name in _tables_with_keys()]


async def move_lookups(services: Services) -> LookupRotation:
    """Move every row to the look-up key in use, index every ticket anew, and look at every row once more; in short
    transactions, each of which notes how far it is: broken off, it goes on from there."""
    moving = _batches(services.secret)
    order = [(*each, False) for each in [*moving, ("", _index_next)]] + [(*each, True) for each in moving]
    done = await services.db.transact(partial(_load_progress, secret=services.secret))
    while done.place < len(order):
        done = await _next(services, order[done.place], done)
    await services.db.transact(partial(_finish, secret=services.secret, now=services.clock(), left=done.left))
    return LookupRotation(Counter(done.moved), done.left)


async def check_moved(services: Services) -> int:
    """Look at every row once more, in short transactions; how many were found by the other look-up key, and were moved
    then."""
    found, done = 0, _Progress()
    for name, batch in _batches(services.secret):
        done = _Progress(place=0)
        while done.place == 0:
            done = await _next(services, (name, batch, True), done, keep=False)
        found += done.left
    return found


async def _next(services: Services, part: tuple[str, _Batch, bool], done: _Progress, *, keep: bool = True) -> _Progress:
    """One batch more, and how far it is then, in one transaction."""
    name, batch, is_check = part

    def run(c: sa.Connection) -> _Progress:
        moved, after = batch(c, after=done.after)
        counts = {**done.moved, **({} if is_check or not name else {name: done.moved.get(name, 0) + moved})}
        left = done.left + (moved if is_check else 0)
        reached = _Progress(done.place + (after is None), after, counts, left)
        if keep:
            stored = {**asdict(reached), "after": after if _is_kept(after) else None}
            write_value(c, services.secret, PROGRESS, stored, services.clock())
        return reached

    for attempt in range(_TRIES):
        try:
            return await services.db.transact(run)
        except sa.exc.IntegrityError:  # a server has written the same number with the new key a moment ago
            if attempt + 1 == _TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def _is_kept(after: Any) -> bool:
    """Whether a row's key reads back as it was stored; where not, its table is begun again."""
    return all(isinstance(each, str | int) for each in (after if isinstance(after, list | tuple) else [after]))


def _load_progress(c: sa.Connection, secret: bytes) -> _Progress:
    stored = read_value(c, secret, PROGRESS)
    return _Progress(**stored) if stored else _Progress()


def _finish(c: sa.Connection, secret: bytes, now: datetime, left: int) -> None:
    write_value(c, secret, PROGRESS, None, now)
    if not left:
        _note_moved(c, secret, now)


def _index_next(c: sa.Connection, after: str | None) -> tuple[int, str | None]:
    return 0, index_batch(c, after or "")


def _note_moved(c: sa.Connection, secret: bytes, now: datetime) -> None:
    stored = read_stored_keys(c, secret)
    if stored.step is LookupStep.USED and stored.lookups == lookup_keys(secret):
        write_lookups(c, secret, stored.lookups, LookupStep.MOVED, now)


def count_credentials(c: sa.Connection, secret: bytes, now: datetime) -> dict[str, int]:
    """How many keys, sessions and unused recovery codes are found by another look-up key: they end with it."""
    moment = sa.bindparam("now", now, type_=Instant)
    which = {
        "keys": (api_key, api_key.c.revoked_at.is_(None), api_key.c.expires_at),
        "sessions": (session, sa.true(), session.c.expires_at),
        "recovery codes": (recovery_code, recovery_code.c.used_at.is_(None), None),
    }
    key_id, found = lookup_key_id(lookup_key(secret)), dict[str, int]()
    for name, (table, stands, expires) in which.items():
        hashed = sa.type_coerce(table.c.hash, sa.String)
        other = hashed.not_like(f"%.{key_id}") if key_id else hashed.like("%.%")
        lasts = sa.or_(expires.is_(None), expires > moment) if expires is not None else sa.true()
        found[name] = c.execute(sa.select(sa.func.count()).select_from(table).where(other, stands, lasts)).scalar_one()
    return found


def _tables_with_keys() -> list[str]:
    return [str(t.name) for t in sealed_tables() if any(isinstance(column.type, SealedKey) for column in t.c)]


def _move_cards(c: sa.Connection, secret: bytes, after: str | None) -> tuple[int, str | None]:
    """The next cards of callers; the last one's id. Two cards of one number become one."""
    query = sa.select(*caller.c).order_by(caller.c.id).limit(BATCH).with_for_update()
    rows = c.execute(query.where(caller.c.id > after) if after else query).all()
    moved = 0
    for row in rows:
        new = caller_id(row.phone, secret)
        if row.id not in new.earlier:
            continue
        moved += 1
        other = c.execute(sa.select(*caller.c).where(caller.c.id == str(new))).first()
        if other is not None:
            seen = {"name": other.name or row.name, "note": other.note or row.note}
            c.execute(sa.delete(caller).where(caller.c.id == row.id))
            c.execute(
                sa.update(caller).where(caller.c.id == other.id).values(**seen, seen_at=max(row.seen_at, other.seen_at))
            )
        else:
            c.execute(sa.update(caller).where(caller.c.id == row.id).values(id=str(new), phone=row.phone))
        for table in (ticket, call):  # whose number retention has deleted
            c.execute(sa.update(table).where(table.c.caller == row.id, table.c.phone.is_(None)).values(caller=str(new)))
    return moved, rows[-1].id if len(rows) == BATCH else None


def _move_callers(c: sa.Connection, secret: bytes, key: sa.Column[str], after: str | None) -> tuple[int, str | None]:
    """The ids of callers in the next rows of tickets or calls; the last row's key."""
    table = key.table
    query = sa.select(key.label("key"), table.c.caller, table.c.phone).where(table.c.caller.is_not(None))
    query = query.order_by(key).limit(BATCH).with_for_update()
    rows = c.execute(query.where(key > after) if after else query).all()
    ids = {row.caller for row in rows}
    has_card = set(c.execute(sa.select(caller.c.id).where(caller.c.id.in_(ids))).scalars()) if ids else set()
    moved = 0
    for row in rows:
        new: str | None = caller_id(row.phone, secret) if row.phone else None
        if new is None and row.caller not in has_card:
            new = detached_caller_id(row.caller, secret)
        elif new is None or row.caller not in new.earlier:  # type: ignore[attr-defined]
            continue
        if new is not None:
            c.execute(sa.update(table).where(key == row.key).values(caller=str(new)))
            moved += 1
    return moved, rows[-1].key if len(rows) == BATCH else None


def _seal_numbers(c: sa.Connection, name: str, after: Sequence[Any] | None) -> tuple[int, Sequence[Any] | None]:
    """The values that are looked up in the next rows of a table; the last row's key."""
    if name in _ONE_OF_A_NUMBER:
        _make_one_of_two(c, name)
    done, reached = seal_anew_next(c, name, after or [], BATCH)
    return done["sealed"], reached


def _make_one_of_two(c: sa.Connection, name: str) -> None:
    """Of two rows of the same number, one sealed with each key, the one with the earlier key goes; the other one keeps
    what both say."""
    least, greatest, status = _ONE_OF_A_NUMBER[name]
    table = metadata.tables[name]
    raw = sa.type_coerce(table.c.phone, sa.Text)
    query = sa.select(table, raw.label("raw")).with_for_update()
    rows = c.execute(query.where(table.c.status == status) if status else query).all()
    by_number: dict[str, list[Any]] = {}
    for row in rows:
        by_number.setdefault(row.phone, []).append(row)
    for same in by_number.values():
        if len(same) == 1:
            continue
        kept, *doubles = same
        values = {column: min(getattr(row, column) for row in same) for column in least}
        values |= {column: max(getattr(row, column) for row in same) for column in greatest}
        for row in doubles:
            c.execute(sa.delete(table).where(_is_row(table, row)))
        c.execute(sa.update(table).where(_is_row(table, kept)).values(**values))


def _is_row(table: sa.Table, row: Any) -> sa.ColumnElement[bool]:
    """By its id, or by its number as it stands."""
    return sa.and_(table.c.id == row.id if "id" in table.c else sa.type_coerce(table.c.phone, sa.Text) == row.raw)
