"""Verifies the chains and the checkpoints: everything is read once and in order, a batch at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from hotline.audit import chaining
from hotline.audit.checkpoints import SIGNED, checkpoint_hash, heads_hash, is_our_key, is_signed
from hotline.audit.redactions import CHAINED as CHAINED_REDACTION
from hotline.audit.redactions import REDACTIONS, Hashes, is_redacted_line, load_redacted
from hotline.database.columns import Instant, format_instant, sealing_of
from hotline.database.hash_chain import GENESIS
from hotline.database.sealing import Sealing
from hotline.security_log.store import CHAIN, CHAINED, CHECKPOINTS
from hotline.security_log.tables import chain_head, checkpoint, checkpoint_head, redaction, security_log
from hotline.tickets.store.chain import (
    RAW_IMAGE,
    RAW_LINE,
    decoders_of,
    stored_hash,
    stored_image_hash,
    stored_line_hash,
)
from hotline.tickets.tables import ticket, timeline

PAGE = 500
_REDACTION_COLUMNS = tuple(redaction.c[name] for name in CHAINED_REDACTION)
_REDACTION_DECODERS = decoders_of(_REDACTION_COLUMNS)
_RAW_REDACTION = tuple(
    sa.type_coerce(c, sa.types.NullType()).label(c.name)
    for c in (*_REDACTION_COLUMNS, *(redaction.c[name] for name in ("hash", "key", "signature")))
)
_LOG_COLUMNS = tuple(security_log.c[name] for name in CHAINED)
_LOG_DECODERS = decoders_of(_LOG_COLUMNS)
_RAW_LOG = tuple(sa.type_coerce(c, sa.types.NullType()).label(c.name) for c in (*_LOG_COLUMNS, security_log.c.hash))
_RAW_CHECKPOINT = tuple(sa.type_coerce(c, sa.types.NullType()).label(c.name) for c in checkpoint.columns)


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first row that is wrong. `row`: its table and key."""

    row: str
    why: str


@dataclass(slots=True)
class Verified:
    """What was read. `waiting`: lines without a hash that the worker chains still."""

    lines: int = 0
    tickets: int = 0
    events: int = 0
    checkpoints: int = 0
    redactions: int = 0
    waiting: int = 0


def verify(
    c: sa.Connection,
    secret: bytes,
    now: datetime,
    since: datetime | None = None,
    outside: Sequence[Mapping[str, Any]] = (),
) -> ChainFault | Verified:
    """The first fault, or what was read. `secret`: by which our signing keys are known. `since`: only tickets with
    lines, events and checkpoints from then on. `outside`: checkpoints that were kept elsewhere."""
    found = Verified()
    fault = (
        _verify_redactions(c, secret, found)
        or _verify_tickets(c, now, since, found)
        or _verify_log(c, since, found)
        or _verify_checkpoints(c, secret, since, found)
        or _compare_outside(c, outside)
    )
    return fault or found


def _pages(c: sa.Connection, since: datetime | None) -> Iterator[tuple[str, str | None]]:
    """Ranges of ticket numbers (after, up to; None: to the end), each with at most PAGE tickets."""
    source = sa.select(ticket.c.number)
    if since is not None:
        recent = timeline.c.at >= sa.bindparam("since", since, type_=Instant)
        source = sa.select(timeline.c.number).where(recent).distinct()
    numbers = source.subquery().c.number
    after = ""
    while True:
        last = c.execute(sa.select(numbers).where(numbers > after).order_by(numbers).limit(PAGE)).scalars().all()
        if len(last) < PAGE:
            yield after, None
            return
        yield after, last[-1]
        after = last[-1]


def _verify_tickets(c: sa.Connection, now: datetime, since: datetime | None, found: Verified) -> ChainFault | None:
    open_still, sealing = chaining.is_open(c, now), sealing_of(c.dialect)
    for after, last in _pages(c, since):
        within = [ticket.c.number > after, *([ticket.c.number <= last] if last is not None else ())]
        lines_within = [timeline.c.number > after, *([timeline.c.number <= last] if last is not None else ())]
        if since is not None:
            recent = timeline.c.at >= sa.bindparam("since", since, type_=Instant)
            changed = sa.select(timeline.c.number).where(recent)
            within.append(ticket.c.number.in_(changed))
            lines_within.append(timeline.c.number.in_(changed))
        stands = {
            row.number: row for row in c.execute(sa.select(*RAW_IMAGE, ticket.c.head, ticket.c.chained).where(*within))
        }
        rows = c.execute(
            sa.select(*RAW_LINE)
            .where(*lines_within)
            .order_by(timeline.c.number, timeline.c.seq)
            .execution_options(yield_per=1000)
        )
        redacted = load_redacted(c, (after, last))
        seen = set()
        for number, lines in groupby(rows, key=lambda row: row.number):
            seen.add(number)
            stored = _StoredTicket(number, lines, stands.get(number), redacted.get(number, {}))
            if fault := _verify_ticket(stored, found, open_still=open_still, sealing=sealing):
                return fault
        if without := sorted(stands.keys() - seen):
            return ChainFault(f"ticket {without[0]}", "its timeline is gone")
    return None


@dataclass(frozen=True, slots=True)
class _StoredTicket:
    """A ticket as it stands: the lines of its timeline, its own row, and which lines were redacted."""

    number: str
    lines: Iterator[Any]
    row: Any
    redacted: Mapping[int, Sequence[Hashes]]


def _verify_ticket(stored: _StoredTicket, found: Verified, *, open_still: bool, sealing: Sealing) -> ChainFault | None:
    number, stands = stored.number, stored.row
    before, seq, image, waiting = GENESIS, 0, None, 0
    for line in stored.lines:
        place = f"timeline {number} line {line.seq}"
        if line.seq != seq + 1:
            return ChainFault(f"timeline {number} line {seq + 1}", "it is gone")
        seq = line.seq
        if line.hash is None:
            if not open_still:
                return ChainFault(place, "it has no hash")
            waiting += 1
            continue
        if waiting:
            return ChainFault(place, "the line before it has no hash")
        stands_now = stored_line_hash(before, line, sealing)
        if not is_redacted_line(line.hash, stands_now, stored.redacted.get(seq, ())):
            return ChainFault(place, "it is not what was written, or the line before it is gone")
        before, image = line.hash, line.image
        found.lines += 1
    if stands is None:
        return ChainFault(f"ticket {number}", "it is gone, and its timeline is there")
    found.tickets += 1
    found.waiting += waiting
    if stands.entries != seq:
        return ChainFault(f"timeline {number} line {seq + 1}", "it is gone")
    if waiting:
        return None
    if (stands.head, stands.chained) != (before, seq):
        return ChainFault(f"ticket {number}", "it names another end of its timeline")
    if image is None or stored_image_hash(stands[: len(RAW_IMAGE)], sealing) != image:
        return ChainFault(f"ticket {number}", "it is not as its last change left it")
    return None


def _verify_log(c: sa.Connection, since: datetime | None, found: Verified) -> ChainFault | None:
    position, before = 0, GENESIS
    if since is not None:
        recent = sa.select(sa.func.min(security_log.c.position)).where(
            security_log.c.at >= sa.bindparam("since", since, type_=Instant)
        )
        if (first := c.execute(recent).scalar()) is not None and first > 1:
            position = first - 1
            earlier = sa.select(security_log.c.hash).where(security_log.c.position == position)
            before = c.execute(earlier).scalar() or GENESIS
        elif first is None:
            return None
    rows = c.execute(
        sa.select(*_RAW_LOG)
        .where(security_log.c.position > position)
        .order_by(security_log.c.position)
        .execution_options(yield_per=1000)
    )
    if early := c.execute(sa.select(security_log.c.position).where(security_log.c.position < 1).limit(1)).scalar():
        return ChainFault(f"security log {early}", "it was added")
    for row in rows:
        if row.position != position + 1:
            return ChainFault(f"security log {position + 1}", "it is gone")
        position = row.position
        if stored_hash(before, row[: len(CHAINED)], _LOG_DECODERS, sealing_of(c.dialect)) != row.hash:
            return ChainFault(f"security log {position}", "it is not what was written")
        before = row.hash
        found.events += 1
    return _verify_head(c, CHAIN, "security log", position, before)


def _verify_head(c: sa.Connection, chain: str, called: str, position: int, last: str) -> ChainFault | None:
    """The end of a chain against what `chain_head` says of it."""
    head = c.execute(sa.select(chain_head.c.position, chain_head.c.hash).where(chain_head.c.name == chain)).first()
    if head is None:
        return ChainFault(f"chain head {chain}", "it is gone") if position else None
    if head.position > position:
        return ChainFault(f"{called} {position + 1}", "it is gone")
    if (head.position, head.hash) != (position, last):
        return ChainFault(f"chain head {chain}", "it names another end")
    return None


def _verify_redactions(c: sa.Connection, secret: bytes, found: Verified) -> ChainFault | None:
    position, before, keys = 0, GENESIS, set[str]()
    rows = c.execute(sa.select(*_RAW_REDACTION).order_by(redaction.c.position).execution_options(yield_per=1000))
    for row in rows:
        place = f"redaction {row.position}"
        if row.position != position + 1:
            return ChainFault(f"redaction {position + 1}", "it is gone")
        position = row.position
        digest = stored_hash(before, row[: len(_REDACTION_COLUMNS)], _REDACTION_DECODERS, sealing_of(c.dialect))
        if digest != row.hash or not is_signed(row.hash, row.key, row.signature):
            return ChainFault(place, "it is not what was signed")
        if row.key not in keys and not is_our_key(c, secret, row.key):
            return ChainFault(place, "its key is not one of this system")
        keys.add(row.key)
        before = row.hash
        found.redactions += 1
    return _verify_head(c, REDACTIONS, "redaction", position, before)


def _verify_checkpoints(c: sa.Connection, secret: bytes, since: datetime | None, found: Verified) -> ChainFault | None:
    number, before, keys = 0, GENESIS, set[str]()
    for row in c.execute(sa.select(*_RAW_CHECKPOINT).order_by(checkpoint.c.number)).all():
        place = f"checkpoint {row.number}"
        if row.number != number + 1:
            return ChainFault(f"checkpoint {number + 1}", "it is gone")
        number = row.number
        try:
            values = {name: getattr(row, name) for name in SIGNED}
            values["at"] = datetime.fromisoformat(row.at) if isinstance(row.at, str) else row.at
            if isinstance(row.at, str) and format_instant(values["at"]) != row.at:
                return ChainFault(place, "it is not what was signed")
            digest = checkpoint_hash(before, values)
        except (ValueError, TypeError):
            return ChainFault(place, "it cannot be read")
        if digest != row.hash or not is_signed(row.hash, row.key, row.signature):
            return ChainFault(place, "it is not what was signed")
        if row.key not in keys and not is_our_key(c, secret, row.key):
            return ChainFault(place, "its key is not one of this system")
        keys.add(row.key)
        before = row.hash
        if since is None or values["at"] >= since:
            if fault := _verify_heads(c, number, row.heads, row.tickets):
                return fault
            log = sa.select(security_log.c.hash).where(security_log.c.position == row.log_position)
            if row.log_position and c.execute(log).scalar() != row.log_hash:
                return ChainFault(f"security log {row.log_position}", f"it is not what checkpoint {number} holds")
        found.checkpoints += 1
    extra = sa.select(checkpoint_head.c.checkpoint).where(
        sa.or_(checkpoint_head.c.checkpoint > number, checkpoint_head.c.checkpoint < 1)
    )
    if (beyond := c.execute(extra.limit(1)).scalar()) is not None:
        return ChainFault(f"checkpoint {beyond}", "heads of it are there, and it is not")
    return _verify_head(c, CHECKPOINTS, "checkpoint", number, before)


def _verify_heads(c: sa.Connection, number: int, expected: str, count: int) -> ChainFault | None:
    h = checkpoint_head
    rows = c.execute(
        sa.select(h.c.number, h.c.seq, h.c.hash, timeline.c.hash.label("line"))
        .select_from(h.outerjoin(timeline, sa.and_(timeline.c.number == h.c.number, timeline.c.seq == h.c.seq)))
        .where(h.c.checkpoint == number)
    ).all()
    heads = sorted((str(r.number), r.seq, str(r.hash)) for r in rows)
    if len(heads) != count or heads_hash(heads) != expected:
        return ChainFault(f"checkpoint {number}", "its heads are not those that were signed")
    for row in sorted(rows, key=lambda r: str(r.number)):
        if row.line != row.hash:
            why = "is gone" if row.line is None else "is not what was written"
            return ChainFault(
                f"timeline {row.number} line {row.seq}", f"it {why}: checkpoint {number} holds another hash"
            )
    return None


def _compare_outside(c: sa.Connection, outside: Sequence[Mapping[str, Any]]) -> ChainFault | None:
    for kept in outside:
        place = f"checkpoint {kept['number']}"
        if not is_signed(kept["hash"], kept["key"], kept["signature"]):
            return ChainFault(place, "the one in the file is not signed by its key")
        row = c.execute(sa.select(checkpoint.c.hash).where(checkpoint.c.number == kept["number"])).first()
        if row is None:
            return ChainFault(place, "it is in the file, and not in the database")
        if row.hash != kept["hash"]:
            return ChainFault(place, "the one in the file is another one")
    return None


def load_last_checkpoint(c: sa.Connection) -> datetime | None:
    """When the last checkpoint was made. None: none was."""
    found: datetime | None = c.execute(
        sa.select(checkpoint.c.at).order_by(checkpoint.c.number.desc()).limit(1)
    ).scalar()
    return found
