"""Verifies the chains and the checkpoints: everything is read once and in order, a batch at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from hotline.audit.checkpoints import SIGNED, checkpoint_hash, heads_hash, is_our_key, is_signed
from hotline.audit.opening import is_open
from hotline.audit.redactions import CHAINED as CHAINED_REDACTION
from hotline.audit.redactions import REDACTIONS, Hashes, is_redacted_line, load_redacted
from hotline.database.columns import Instant, format_instant, sealing_of
from hotline.database.hash_chain import GENESIS
from hotline.database.sealing import Sealing
from hotline.organisation.model.actors import COMMAND_LINE
from hotline.security_log.store import CHAIN, CHAINED, CHECKPOINTS, SecurityEvent
from hotline.security_log.tables import chain_head, checkpoint, checkpoint_head, redaction, security_log
from hotline.security_log.vocabulary import Deed
from hotline.tickets.model.vocabulary import ATTACHED_FILE, Action
from hotline.tickets.store.chain import (
    RAW_IMAGE,
    RAW_LINE,
    decoders_of,
    stored_changes,
    stored_hash,
    stored_image_hash,
    stored_line_hash,
)
from hotline.tickets.tables import attachment, ticket, timeline

PAGE = 500
RECENT = timedelta(days=1)
LATE = timedelta(hours=3)  # a checkpoint is made each hour
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


def verify_history(
    c: sa.Connection,
    secret: bytes,
    now: datetime,
    since: datetime | None = None,
    outside: Sequence[Mapping[str, Any]] = (),
) -> ChainFault | Verified:
    """The same as `verify`, and a fault too where what is older than LATE stands in no checkpoint: whoever deletes all
    of them leaves nothing else that is wrong."""
    found = verify(c, secret, since, outside)
    if isinstance(found, Verified) and found.checkpoints == 0 and _has_older(c, now - LATE):
        return ChainFault("checkpoint 1", f"none is there, and lines older than {LATE} are; a worker makes them")
    return found


def _has_older(c: sa.Connection, than: datetime) -> bool:
    line = sa.select(timeline.c.number).where(timeline.c.at < sa.bindparam("than", than, type_=Instant))
    return c.execute(line.limit(1)).first() is not None


def verify_recent(c: sa.Connection, secret: bytes, now: datetime) -> ChainFault | Verified:
    """What has happened in the last day, and every checkpoint's signature."""
    return verify_history(c, secret, now, now - RECENT)


def verify(
    c: sa.Connection,
    secret: bytes,
    since: datetime | None = None,
    outside: Sequence[Mapping[str, Any]] = (),
) -> ChainFault | Verified:
    """The first fault, or what was read. `secret`: by which our signing keys are known. `since`: only tickets that
    have changed, events and checkpoints from then on. `outside`: checkpoints that were kept elsewhere."""
    found = Verified()
    fault = (
        _verify_redactions(c, secret, found)
        or _verify_tickets(c, since, found)
        or _verify_log(c, since, found)
        or _verify_checkpoints(c, secret, since, found)
        or _compare_outside(c, outside)
    )
    return fault or found


def verified_event(found: Verified, now: datetime) -> SecurityEvent:
    """That the whole was verified, for the security log."""
    return SecurityEvent(Deed.AUDIT_VERIFIED, COMMAND_LINE, now, details={"lines": found.lines, "events": found.events})


def load_last_verification(c: sa.Connection) -> datetime | None:
    """When the whole was verified last; never: when the security log begins. None: it is empty."""
    log = security_log.c
    mine = log.by_id == COMMAND_LINE.id, log.deed == Deed.AUDIT_VERIFIED.value
    last = sa.select(log.at).where(*mine).order_by(log.position.desc()).limit(1)
    found: datetime | None = (
        c.execute(last).scalar() or c.execute(sa.select(log.at).order_by(log.position).limit(1)).scalar()
    )
    return found


def _pages(c: sa.Connection, since: datetime | None) -> Iterator[tuple[str, str | None]]:
    """Ranges of ticket numbers (after, up to; None: to the end), each with at most PAGE tickets."""
    numbers = (sa.select(ticket.c.number) if since is None else _changed_since(since)).subquery().c.number
    after = ""
    while True:
        last = c.execute(sa.select(numbers).where(numbers > after).order_by(numbers).limit(PAGE)).scalars().all()
        if len(last) < PAGE:
            yield after, None
            return
        yield after, last[-1]
        after = last[-1]


def _changed_since(since: datetime) -> sa.CompoundSelect[tuple[str]]:
    """Numbers of tickets that have a line since then, or whose row says that they changed: their last lines may be
    gone."""
    moment = sa.bindparam("since", since, type_=Instant)
    return sa.union(
        sa.select(timeline.c.number).where(timeline.c.at >= moment),
        sa.select(ticket.c.number).where(ticket.c.updated_at >= moment),
    )


@dataclass(slots=True)
class _Rules:
    """How a range of tickets is read. `files`: ticket, hash and name of each file of it, by its id."""

    sealing: Sealing
    open_still: bool
    files: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


def _verify_tickets(c: sa.Connection, since: datetime | None, found: Verified) -> ChainFault | None:
    rules = _Rules(sealing_of(c.dialect), is_open(c))
    for after, last in _pages(c, since):
        within = [ticket.c.number > after, *([ticket.c.number <= last] if last is not None else ())]
        lines_within = [timeline.c.number > after, *([timeline.c.number <= last] if last is not None else ())]
        if since is not None:
            changed = _changed_since(since).subquery()
            within.append(ticket.c.number.in_(sa.select(changed.c.number)))
            lines_within.append(timeline.c.number.in_(sa.select(changed.c.number)))
        stands = {
            row.number: row for row in c.execute(sa.select(*RAW_IMAGE, ticket.c.head, ticket.c.chained).where(*within))
        }
        rows = c.execute(
            sa.select(*RAW_LINE)
            .where(*lines_within)
            .order_by(timeline.c.number, timeline.c.seq)
            .execution_options(yield_per=1000)
        )
        rules.files, redacted = _files(c, after, last), load_redacted(c, (after, last))
        seen = set()
        for number, lines in groupby(rows, key=lambda row: row.number):
            seen.add(number)
            stored = _StoredTicket(number, lines, stands.get(number), redacted.get(number, {}))
            if fault := _verify_ticket(stored, found, rules):
                return fault
        if without := sorted(stands.keys() - seen):
            return ChainFault(f"ticket {without[0]}", "its timeline is gone")
    return None


def _files(c: sa.Connection, after: str, last: str | None) -> Mapping[str, tuple[str, str, str]]:
    """Ticket, hash and name of each file of a range of tickets, by its id."""
    a = attachment
    within = a.c.number > after if last is None else sa.and_(a.c.number > after, a.c.number <= last)
    rows = c.execute(sa.select(a.c.id, a.c.number, a.c.sha256, a.c.name).where(within))
    return {str(row.id): (str(row.number), row.sha256, row.name) for row in rows}


def _verify_file(line: Any, rules: _Rules, *, redacted: bool) -> ChainFault | None:
    """Of a line that is as it was written: the file that it names, where that was not deleted since."""
    changes = stored_changes(line.changes, rules.sealing) if line.action == Action.ATTACH else {}
    pair = changes.get(ATTACHED_FILE)
    named = pair[1] if isinstance(pair, list) and len(pair) == 2 else None
    if not isinstance(named, list):  # an older line names none, and a redaction may have taken it away
        return None
    file, sha256, name = named
    stands = rules.files.get(file)
    if stands is None or stands == (line.number, sha256, stands[2] if redacted else name):
        return None
    return ChainFault(f"attachment {file}", "it is not the file that was attached")


@dataclass(frozen=True, slots=True)
class _StoredTicket:
    """A ticket as it stands: the lines of its timeline, its own row, and which lines were redacted."""

    number: str
    lines: Iterator[Any]
    row: Any
    redacted: Mapping[int, Sequence[Hashes]]


def _verify_ticket(stored: _StoredTicket, found: Verified, rules: _Rules) -> ChainFault | None:
    number, stands = stored.number, stored.row
    before, seq, image, waiting = GENESIS, 0, None, 0
    for line in stored.lines:
        place = f"timeline {number} line {line.seq}"
        if line.seq != seq + 1:
            return ChainFault(f"timeline {number} line {seq + 1}", "it is gone")
        seq = line.seq
        if line.hash is None:
            if not rules.open_still:
                return ChainFault(place, "it has no hash")
            waiting += 1
            continue
        if waiting:
            return ChainFault(place, "the line before it has no hash")
        redactions = stored.redacted.get(seq, ())
        if not is_redacted_line(line.hash, stored_line_hash(before, line, rules.sealing), redactions):
            return ChainFault(place, "it is not what was written, or the line before it is gone")
        if fault := _verify_file(line, rules, redacted=bool(redactions)):
            return fault
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
    if image is None or stored_image_hash(stands[: len(RAW_IMAGE)], rules.sealing) != image:
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
        elif first is None:  # nothing since then, or the end is gone
            last = sa.select(security_log.c.position, security_log.c.hash).order_by(security_log.c.position.desc())
            end = c.execute(last.limit(1)).first()
            return _verify_head(c, CHAIN, "security log", end.position if end else 0, end.hash if end else GENESIS)
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
            values["closed"] = bool(row.closed) if row.closed in (0, 1) else row.closed
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
