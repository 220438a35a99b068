"""Redactions: lines of a timeline that personal data was taken out of, recorded so that the chain proves the rest.

The hash of a line stays what it was. A redaction names the line, its fields, that hash and the hash of what stands
there now; redactions are a chain of their own, and each is signed with a key that whoever has only the database cannot
use."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.audit.checkpoints import sign_hash
from hotline.database.columns import format_instant, sealing_of
from hotline.database.hash_chain import GENESIS, chain_hash
from hotline.security_log.store import lock_head, move_head
from hotline.security_log.tables import redaction as r
from hotline.tickets.store.chain import RAW_LINE, stored_line_hash
from hotline.tickets.tables import ticket, timeline

REDACTIONS = "redactions"
CHAINED = ("position", "at", "ticket", "whole", "ground", "by_id", "lines")
ErasedLine = Callable[[Any], Mapping[str, Any]]  # of a row of the timeline: the columns that change
Hashes = tuple[str, str]  # of what stood there, of what stands there now


@dataclass(frozen=True, slots=True)
class RedactedTicket:
    """A ticket whose lines are redacted. `whole`: all its personal data goes; `ground`: request or retention."""

    number: str
    whole: bool
    ground: str
    by_id: str


def redact_lines(
    c: sa.Connection, secret: bytes, redacted: RedactedTicket, erase: ErasedLine, now: datetime, *, recorded: bool
) -> int:
    """Redact the lines of a ticket and record it, in the caller's transaction; how many. Lines that need nothing stay.
    `recorded`: also where no line needed anything."""
    number = redacted.number
    c.execute(sa.select(ticket.c.number).where(ticket.c.number == number).with_for_update()).one()
    of_ticket = timeline.c.number == number
    lines = c.execute(sa.select(*timeline.c).where(of_ticket).order_by(timeline.c.seq)).all()
    known = load_redacted(c, (number, number)).get(number, {})
    changed: dict[int, list[str]] = {}
    for line in lines:
        if columns := erase(line):
            c.execute(sa.update(timeline).where(of_ticket, timeline.c.seq == line.seq).values(**columns))
            changed[line.seq] = sorted(columns)
    if changed or recorded:
        hashes = {line.seq: line.hash for line in lines}
        raw = {line.seq: line for line in c.execute(sa.select(*RAW_LINE).where(of_ticket))}
        sealing, rows = sealing_of(c.dialect), []
        for seq, fields in changed.items():
            before = known[seq][-1][1] if seq in known else hashes[seq]
            if before is None:  # an older process wrote it: the worker chains it as it stands now
                continue
            rows.append([seq, fields, before, stored_line_hash(hashes.get(seq - 1) or GENESIS, raw[seq], sealing)])
        _record(c, secret, redacted, rows, now)
    return len(changed)


def _record(c: sa.Connection, secret: bytes, redacted: RedactedTicket, lines: list[Any], now: datetime) -> None:
    position, before = lock_head(c, REDACTIONS)
    values: dict[str, Any] = {
        "position": position + 1,
        "at": now,
        "ticket": redacted.number,
        "whole": redacted.whole,
        "ground": redacted.ground,
        "by_id": redacted.by_id,
        "lines": lines,
    }
    digest = _hash(sealing_of(c.dialect).digest_key, before, values)
    signature = sign_hash(c, secret, digest, now)
    c.execute(sa.insert(r), {**values, "hash": digest, "key": signature.key, "signature": signature.value})
    move_head(c, REDACTIONS, position + 1, digest)


def _hash(key: bytes, before: str, values: Mapping[str, Any]) -> str:
    return chain_hash(key, before, [format_instant(values[n]) if n == "at" else values[n] for n in CHAINED])


def load_redacted(c: sa.Connection, numbers: tuple[str, str | None]) -> dict[str, dict[int, list[Hashes]]]:
    """The redacted lines of the tickets from one number to another (None: to the end), each with its redactions in
    order."""
    first, last = numbers
    within = [r.c.ticket >= first, *([r.c.ticket <= last] if last is not None else ())]
    found: dict[str, dict[int, list[Hashes]]] = {}
    for row in c.execute(sa.select(r.c.ticket, r.c.lines).where(*within).order_by(r.c.position)):
        for seq, _, before, after in row.lines:
            found.setdefault(row.ticket, {}).setdefault(seq, []).append((before, after))
    return found


def is_redacted_line(written: str, stands: str | None, redactions: Iterable[Hashes]) -> bool:
    """Whether a line that was written with one hash stands as its last redaction left it."""
    for before, after in redactions:
        if before != written:
            return False
        written = after
    return written == stands
