"""The keys that a database keeps, sealed: the look-up key and the key of digests. They are stored at the first start
and stay the same when HOTLINE_SECRET is replaced; the look-up key is replaced by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant, SealedKey
from hotline.database.engine import Database
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.metadata import metadata
from hotline.database.sealing import MARK, Sealing
from hotline.database.tables import stored_key
from hotline.organisation.tables import api_key, session
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.secret_box import SealedColumn, seal, unseal
from hotline.server_secret import ServerSecret, accepted_secrets, derive_digest_key
from hotline.text.phones import caller_id
from hotline.tickets.tables import caller

# names of stored keys, how far a replacement is and how far its rows are, and the keys that were dropped: of several
# each has its number behind the name
LOOKUP, DIGESTS, STEP = "lookup", "digests", "lookup_step"
PROGRESS, DROPPED = "lookup_progress", "lookup_dropped"
DROPPED_KEPT = timedelta(days=30)  # a dropped key can be accepted again for so long
SEALED = (SealedColumn(stored_key, "sealed", lambda row: key_context(row["name"])),)
_SAMPLE = 20  # callers by whose ids a secret is recognised
WRONG_LOOKUP = Refusal(
    Code.UNAVAILABLE, "callers and keys of this database are found by another HOTLINE_SECRET: it has to be accepted"
)
UNKNOWN_LOOKUP = Refusal(
    Code.UNAVAILABLE,
    "this database does not tell which of the accepted secrets its keys are found by: start it once with the "
    "HOTLINE_SECRET that was in use, without HOTLINE_SECRET_PREVIOUS",
)


class LookupStep(StrEnum):
    """How far the replacement of the look-up key is. `accepted`: a new one is, and is not used; `used`: it is, and
    older rows are still to be moved to it; `moved`: they are."""

    ACCEPTED = "accepted"
    USED = "used"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """`lookups`: the one in use first; `step`: None while one alone is accepted."""

    lookups: tuple[bytes, ...]
    digests: bytes
    step: LookupStep | None = None


def key_context(name: str) -> str:
    """What the stored key of that name is sealed for."""
    return f"key {name}"


async def load_stored_keys(db: Database, secret: bytes, now: datetime, *, store: bool = True) -> None:
    """Give the secret the keys of this database. Where it has none, the first ones follow from the secret that was in
    use alone; they are stored (`store`). Raises Refused where no accepted secret opens them, or where nothing tells
    which one was in use: this process would find no caller and no key."""
    if not isinstance(secret, ServerSecret):
        return

    def load(c: sa.Connection) -> StoredKeys | None:
        if not sa.inspect(c).has_table(stored_key.name):  # the schema is older, or there is none
            return None
        stored = read_stored_keys(c, secret)
        if stored.lookups and stored.digests:
            return stored
        lookups = stored.lookups or (_find_first_lookup(c, secret),)
        digests = derive_digest_key(lookups[-1])
        if not store:
            return replace(stored, lookups=lookups, digests=digests)
        values = {LOOKUP: [each.hex() for each in lookups], DIGESTS: digests.hex()}
        insert_ignoring_duplicates(c, stored_key, _rows(secret, values, now))
        return read_stored_keys(c, secret)  # another process may have stored them a moment ago

    if (found := await db.transact(load)) is not None:
        is_moving = found.step in (LookupStep.USED, LookupStep.MOVED)
        secret.use_stored_keys(found.lookups, found.digests, moves_lookups=is_moving)


def _rows(secret: bytes, values: Mapping[str, object], now: datetime) -> list[dict[str, object]]:
    return [
        {"name": name, "sealed": seal(secret, key_context(name), value), "created_at": now}
        for name, value in values.items()
    ]


def read_stored_keys(c: sa.Connection, secret: bytes) -> StoredKeys:
    """The keys of the database; empty where none is stored."""
    query = sa.select(stored_key.c.name, stored_key.c.sealed).where(stored_key.c.name.in_((LOOKUP, DIGESTS, STEP)))
    found = {row.name: unseal(secret, key_context(row.name), row.sealed) for row in c.execute(query.with_for_update())}
    return StoredKeys(
        tuple(bytes.fromhex(each) for each in found.get(LOOKUP, ())),
        bytes.fromhex(found.get(DIGESTS, "")),
        LookupStep(found[STEP]) if STEP in found else None,
    )


def write_lookups(
    c: sa.Connection, secret: bytes, lookups: Sequence[bytes], step: LookupStep | None, now: datetime
) -> None:
    """Store the look-up keys, the one in use first, and how far their replacement is. Processes read them when they
    start."""
    c.execute(sa.delete(stored_key).where(stored_key.c.name.in_((LOOKUP, STEP, PROGRESS))))
    values: dict[str, object] = {LOOKUP: [each.hex() for each in lookups], **({STEP: step} if step else {})}
    c.execute(sa.insert(stored_key), _rows(secret, values, now))


def read_value(c: sa.Connection, secret: bytes, name: str) -> Any:
    """What is stored, sealed, under a name; None: nothing is."""
    found = c.execute(sa.select(stored_key.c.sealed).where(stored_key.c.name == name)).scalar()
    return unseal(secret, key_context(name), found) if found is not None else None


def write_value(c: sa.Connection, secret: bytes, name: str, value: object | None, now: datetime) -> None:
    """Store a value in the place of the one of that name; None: store none."""
    c.execute(sa.delete(stored_key).where(stored_key.c.name == name))
    if value is not None:
        c.execute(sa.insert(stored_key), _rows(secret, {name: value}, now))


_IS_DROPPED = stored_key.c.name.startswith(DROPPED, autoescape=True)


def keep_dropped(c: sa.Connection, secret: bytes, keys: Sequence[bytes], now: datetime) -> None:
    """Keep look-up keys that are dropped, beside those that were dropped before, for DROPPED_KEPT from now on."""
    names = set(c.execute(sa.select(stored_key.c.name).where(_IS_DROPPED)).scalars())
    free = (name for n in count(1) if (name := f"{DROPPED}.{n}" if n > 1 else DROPPED) not in names)
    write_value(c, secret, next(free), [each.hex() for each in keys], now)


def take_dropped(c: sa.Connection, secret: bytes) -> list[bytes]:
    """The look-up keys that were dropped last, which are no longer kept as such; none: empty."""
    query = sa.select(stored_key.c.name, stored_key.c.sealed).where(_IS_DROPPED)
    query = query.order_by(stored_key.c.created_at.desc(), stored_key.c.name.desc()).limit(1)
    found = c.execute(query).first()
    if found is None:
        return []
    c.execute(sa.delete(stored_key).where(stored_key.c.name == found.name))
    return [bytes.fromhex(each) for each in unseal(secret, key_context(found.name), found.sealed)]


def delete_dropped(c: sa.Connection, now: datetime) -> None:
    """Delete look-up keys that were dropped, when their time is over."""
    before = sa.bindparam("before", now - DROPPED_KEPT, type_=Instant)
    c.execute(sa.delete(stored_key).where(_IS_DROPPED, stored_key.c.created_at < before))


def _find_first_lookup(c: sa.Connection, secret: bytes) -> bytes:
    """The secret by which a database that stores no look-up key has hashed and sealed what is looked up."""
    accepted = accepted_secrets(secret)
    if ids := set(_sealed_key_ids(c)):
        for each in accepted:
            if Sealing(each).key_id in ids:
                return bytes(each)
        raise Refused(WRONG_LOOKUP)
    if len(accepted) == 1:
        return bytes(secret)
    number = sa.type_coerce(caller.c.phone, sa.Text)
    known = c.execute(sa.select(caller.c.id, number.label("phone")).limit(_SAMPLE)).all()
    for each in accepted:
        if any(row.id == caller_id(row.phone, each) for row in known):
            return bytes(each)
    if any(c.execute(sa.select(sa.literal(1)).select_from(t).limit(1)).first() for t in (caller, api_key, session)):
        raise Refused(UNKNOWN_LOOKUP)
    return bytes(secret)  # a new database


def _sealed_key_ids(c: sa.Connection) -> Iterator[str]:
    """Ids of the keys that sealed what is looked up, one of each column."""
    there = set(sa.inspect(c).get_table_names())
    for t in metadata.sorted_tables:
        for column in t.c:
            if t.name in there and isinstance(column.type, SealedKey):
                value = sa.type_coerce(column, sa.Text)
                sealed = sa.func.substr(value, 1, len(MARK)) == MARK
                if found := c.execute(sa.select(value).where(sealed).limit(1)).scalar():
                    yield Sealing.key_id_of(found)
