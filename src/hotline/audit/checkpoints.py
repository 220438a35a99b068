"""Signed checkpoints: which tickets changed since the last one, how the chain of each ended, and where the security log
ended."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from hotline.audit.opening import is_open
from hotline.database.columns import format_instant
from hotline.database.hash_chain import public_chain_hash
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.refusals import Refused
from hotline.secrets.secret_box import SealedColumn, seal, unseal
from hotline.security_log.store import CHAIN, CHECKPOINTS, lock_head, move_head
from hotline.security_log.tables import audit_key, checkpoint, checkpoint_head
from hotline.tickets.tables import event, ticket

EVERY = timedelta(hours=1)
PART = 5000  # tickets that one checkpoint looks at where all are looked at
GAP = timedelta(days=1)  # events may be deleted that no checkpoint has seen, where the last one is older
# events are numbered when they are written, and a transaction that began earlier may commit later
OVERLAP = 5000
SIGNED = ("number", "at", "event", "log_position", "log_hash", "tickets", "heads", "through", "closed")
SEALED = (SealedColumn(audit_key, "sealed", lambda row: _context(row["public"])),)
Head = tuple[str, int, str]  # number, last line, its hash


@dataclass(frozen=True, slots=True)
class Signature:
    """Ed25519, hexadecimal: the public key and what it signed."""

    key: str
    value: str


def _context(public: str) -> str:
    return f"audit key {public}"


def heads_hash(heads: Sequence[Head]) -> str:
    """One hash of all heads, in order of their numbers."""
    found = hashlib.sha256()
    for number, seq, last in heads:
        found.update(f"{number}:{seq}:{last}\n".encode())
    return found.hexdigest()


def checkpoint_hash(before: str, values: dict[str, Any]) -> str:
    """The hash of a checkpoint: of the one before and of what is signed."""
    signed = [format_instant(values[name]) if name == "at" else values[name] for name in SIGNED]
    return public_chain_hash(before, signed)


def make_checkpoint(c: sa.Connection, secret: bytes, now: datetime, every: timedelta = EVERY) -> dict[str, Any] | None:
    """The next checkpoint, in this transaction. None: the last one is not older than `every`.

    It holds what changed by the events since the one before. The first looks at all tickets, and so does the first
    after all lines had their hashes, and one after which events are missing: PART tickets at a time, each part a
    checkpoint of its own without a pause (`through`)."""
    number, before = lock_head(c, CHECKPOINTS)
    last = c.execute(sa.select(checkpoint).where(checkpoint.c.number == number)).first()
    if last is not None and last.through is None and now - last.at < every:
        return None
    look = _next_look(c, last, now)
    heads, through = (_changed_heads(c, look.event), None) if look.after is None else _next_heads(c, look.after)
    log_position, log_hash = lock_head(c, CHAIN)
    values: dict[str, Any] = {
        "number": number + 1,
        "at": now,
        "event": look.newest,
        "log_position": log_position,
        "log_hash": log_hash,
        "tickets": len(heads),
        "heads": heads_hash(heads),
        "through": through,
        "closed": look.closed,
    }
    values["hash"] = checkpoint_hash(before, values)
    signature = sign_hash(c, secret, values["hash"], now)
    values |= {"key": signature.key, "signature": signature.value}
    if heads:
        rows = [{"checkpoint": number + 1, "number": n, "seq": seq, "hash": head} for n, seq, head in heads]
        c.execute(sa.insert(checkpoint_head), rows)
    c.execute(sa.insert(checkpoint), values)
    move_head(c, CHECKPOINTS, number + 1, values["hash"])
    return values


@dataclass(frozen=True, slots=True)
class _Look:
    """What a checkpoint looks at. `after`: the tickets that follow this number; None: those with events after `event`.
    `newest`: the event to go on from next time."""

    event: int
    newest: int
    closed: bool
    after: str | None = None


def _next_look(c: sa.Connection, last: Any, now: datetime) -> _Look:
    if last is not None and last.through is not None:  # what changes behind it is found by the events since it began
        return _Look(last.event, last.event, bool(last.closed), last.through)
    bounds = c.execute(sa.select(sa.func.min(event.c.id), sa.func.max(event.c.id))).one()
    oldest, seen = bounds[0], int(last.event) if last is not None else 0
    newest, closed = max(int(bounds[1] or 0), seen), not is_open(c)
    misses_events = last is not None and now - last.at > GAP and (oldest is None or oldest > seen + 1)
    if last is None or misses_events or (closed and not last.closed):
        return _Look(seen, newest, closed, "")
    return _Look(seen, newest, closed)


def _changed_heads(c: sa.Connection, seen: int) -> list[Head]:
    """The heads of tickets with events since `seen`."""
    changed = sa.select(event.c.number).where(event.c.id > seen - OVERLAP).distinct()
    return _unheld_heads(c, ticket.c.number.in_(changed))


def _next_heads(c: sa.Connection, after: str) -> tuple[list[Head], str | None]:
    """The heads of the next tickets, and the last of these; None: there are no more."""
    beyond = sa.select(ticket.c.number).where(ticket.c.number > after).order_by(ticket.c.number)
    last = c.execute(beyond.offset(PART - 1).limit(1)).scalar()
    within = [ticket.c.number > after, *([ticket.c.number <= last] if last is not None else ())]
    return _unheld_heads(c, sa.and_(*within)), last


def _unheld_heads(c: sa.Connection, which: sa.ColumnElement[bool]) -> list[Head]:
    held = checkpoint_head.alias()
    known = sa.exists().where(held.c.number == ticket.c.number, held.c.seq == ticket.c.chained)
    heads = sa.select(ticket.c.number, ticket.c.chained, ticket.c.head).where(ticket.c.head.is_not(None), which, ~known)
    return sorted((str(r.number), int(r.chained), str(r.head)) for r in c.execute(heads))


def sign_hash(c: sa.Connection, secret: bytes, digest: str, now: datetime) -> Signature:
    """Sign a hash with the newest key; the first time one is made."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    newest = sa.select(audit_key.c.public, audit_key.c.sealed).order_by(audit_key.c.made_at.desc()).limit(1)
    row = c.execute(newest).first()
    if row is None:
        made = Ed25519PrivateKey.generate()
        public = made.public_key().public_bytes_raw().hex()
        sealed = seal(secret, _context(public), made.private_bytes_raw().hex())
        insert_ignoring_duplicates(c, audit_key, [{"public": public, "sealed": sealed, "made_at": now}])
        return Signature(public, made.sign(digest.encode()).hex())
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(unseal(secret, _context(row.public), row.sealed)))
    return Signature(row.public, private.sign(digest.encode()).hex())


def is_signed(digest: str, key: str, signature: str) -> bool:
    """Whether the key signed that hash."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), digest.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def is_our_key(c: sa.Connection, secret: bytes, key: str) -> bool:
    """Whether the private half of a key is here, sealed with the secret: whoever has only the database cannot make
    one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    row = c.execute(sa.select(audit_key.c.sealed).where(audit_key.c.public == key)).first()
    if row is None:
        return False
    try:
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(unseal(secret, _context(key), row.sealed)))
    except (Refused, ValueError):
        return False
    return hmac.compare_digest(private.public_key().public_bytes_raw().hex(), key)


def checkpoint_line(values: Any) -> bytes:
    """A checkpoint as one line of JSON, for outside."""
    shown = {name: values[name] for name in (*SIGNED, "hash", "key", "signature")}
    shown["at"] = format_instant(shown["at"])
    return orjson.dumps(shown)


def load_checkpoints_after(c: sa.Connection, number: int, limit: int) -> Sequence[sa.RowMapping]:
    """The checkpoints after a number, in order."""
    later = sa.select(checkpoint).where(checkpoint.c.number > number).order_by(checkpoint.c.number)
    return c.execute(later.limit(limit)).mappings().all()


def parse_checkpoint_line(line: str) -> dict[str, Any]:
    """A checkpoint that was kept outside. Raises ValueError: it is none."""
    found = orjson.loads(line)
    is_one = isinstance(found, dict) and type(found.get("number")) is int and 0 < found["number"] < 2**63
    if not is_one or not all(isinstance(found.get(name), str) for name in ("hash", "key", "signature")):
        raise ValueError("not a checkpoint")
    return dict(found)
