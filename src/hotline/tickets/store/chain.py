"""The chain of a ticket's timeline: what the hash of a line covers, and what that of the ticket's row does.

The values of callers who may be erased or encrypted anew stand in no hash: name, number and contact."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import orjson
import sqlalchemy as sa

from hotline.database.columns import Document, Instant, SealedDocument, SealedText, format_instant
from hotline.database.hash_chain import GENESIS, chain_hash
from hotline.database.sealing import MARK, Sealing
from hotline.refusals import Refused
from hotline.tickets.model.ticket import Entry, Ticket, TicketWrite
from hotline.tickets.tables import ticket, timeline
from hotline.value_objects import replace

_OUTSIDE = frozenset({"head", "chained", "caller", "phone", "caller_name", "contact"})
IMAGE_COLUMNS = tuple(c for c in ticket.columns if c.name not in _OUTSIDE)
LINE_COLUMNS = tuple(c for c in timeline.columns if c.name != "hash")
_CHANGES = LINE_COLUMNS.index(timeline.c.changes)
_IMAGE_VALUES = attrgetter(*(c.name for c in IMAGE_COLUMNS))
_LINE_VALUES = attrgetter(*(c.name for c in LINE_COLUMNS))


def _places(columns: Sequence[sa.Column[Any]], *kinds: type) -> tuple[int, ...]:
    return tuple(place for place, column in enumerate(columns) if isinstance(column.type, kinds))


_IMAGE_MOMENTS, _LINE_MOMENTS = _places(IMAGE_COLUMNS, Instant), _places(LINE_COLUMNS, Instant)
_IMAGE_FLOATS = _places(IMAGE_COLUMNS, sa.Float)


def image_hash(key: bytes, shown: Ticket) -> str:
    """The hash of a ticket's row as it is written."""
    values = list(_IMAGE_VALUES(shown))
    for place in _IMAGE_MOMENTS:
        if values[place] is not None:
            values[place] = format_instant(values[place])
    for place in _IMAGE_FLOATS:
        if values[place] is not None:
            values[place] = float(values[place])
    return chain_hash(key, GENESIS, values)


def line_hash(key: bytes, before: str, line: Entry) -> str:
    """The hash of a line as it is written, with its image."""
    values = list(_LINE_VALUES(line))
    for place in _LINE_MOMENTS:
        values[place] = format_instant(values[place])
    return chain_hash(key, before, values)


def chain_write(key: bytes, write: TicketWrite, lines: Sequence[Entry]) -> tuple[TicketWrite, Sequence[Entry]]:
    """A ticket and its new lines with their hashes under the key. `lines`: in order. A ticket with lines that have
    none (an older process wrote them) gets none either: the worker chains it."""
    shown = write.ticket
    if not lines or lines[0].seq != (shown.chained or 0) + 1:
        return write, lines
    before = shown.head or GENESIS
    chained = []
    for line in lines[:-1]:
        before = line_hash(key, before, line)
        chained.append(replace(line, hash=before))
    last = replace(lines[-1], image=image_hash(key, shown))
    before = line_hash(key, before, last)
    chained.append(replace(last, hash=before))
    return TicketWrite(replace(shown, head=before, chained=last.seq), write.expected), chained


# As a database holds it: without the types of the columns, so that nothing is made right in reading.
RAW_LINE = tuple(sa.type_coerce(c, sa.types.NullType()).label(c.name) for c in timeline.columns)
RAW_IMAGE = tuple(sa.type_coerce(c, sa.types.NullType()).label(c.name) for c in IMAGE_COLUMNS)
_Decode = Callable[[Any, Sealing], Any]


def _decoder(column: sa.Column[Any]) -> _Decode | None:
    """How a raw value becomes the one that a hash covers: what is sealed is hashed as it was told."""
    kind = column.type
    if isinstance(kind, Instant):
        return lambda value, _: value if value is None or isinstance(value, str) else format_instant(value)
    if isinstance(kind, SealedText):
        return lambda value, sealing: None if value is None else sealing.unseal(kind.context, value)
    if isinstance(kind, SealedDocument):
        return lambda value, sealing: kind.unseal(sealing, _parsed(value))
    if isinstance(kind, Document):
        return lambda value, _: _parsed(value)
    if isinstance(kind, sa.Boolean):
        return lambda value, _: bool(value) if value in (0, 1) else value
    return None


def _parsed(value: Any) -> Any:
    is_json = isinstance(value, str | bytes) and not (isinstance(value, str) and value.startswith(MARK))
    return orjson.loads(value) if is_json else value


def stored_changes(raw: Any, sealing: Sealing) -> Mapping[str, Any]:
    """The changes of a stored line. Raises ValueError, TypeError or Refused where they cannot be read."""
    found: Mapping[str, Any] = _LINE_DECODERS[_CHANGES](raw, sealing)
    return found


def decoders_of(columns: Sequence[sa.Column[Any]]) -> Mapping[int, _Decode]:
    """How raw values become those that a hash covers, by their place."""
    found = ((place, _decoder(column)) for place, column in enumerate(columns))
    return {place: decode for place, decode in found if decode is not None}


_IMAGE_DECODERS, _LINE_DECODERS = decoders_of(IMAGE_COLUMNS), decoders_of(LINE_COLUMNS)


def stored_hash(before: str, raw: Sequence[Any], decoders: Mapping[int, _Decode], sealing: Sealing) -> str | None:
    """The hash of stored values. None: they cannot be read."""
    values = list(raw)
    try:
        for place, decode in decoders.items():
            values[place] = decode(values[place], sealing)
        return chain_hash(sealing.digest_key, before, values)
    except (ValueError, TypeError, Refused):
        return None


def stored_image_hash(raw: Sequence[Any], sealing: Sealing) -> str | None:
    """The hash of a stored row of a ticket: the values of IMAGE_COLUMNS."""
    return stored_hash(GENESIS, raw, _IMAGE_DECODERS, sealing)


def stored_line_hash(before: str, raw: Sequence[Any], sealing: Sealing) -> str | None:
    """The hash of a stored line: the values of LINE_COLUMNS, and perhaps more behind them."""
    return stored_hash(before, raw[: len(LINE_COLUMNS)], _LINE_DECODERS, sealing)
