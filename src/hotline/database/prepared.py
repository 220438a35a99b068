"""A statement built once in SQLAlchemy Core, compiled once per database, and asked with values by the driver itself.

Core is the language; its execution layer costs 250-450 µs a round trip, which is most of a request, so it is left out
here.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import operators, visitors

from hotline.database.columns import (
    Codes,
    Document,
    Instant,
    KeyForms,
    SealedDocument,
    SealedText,
    format_instant,
    parse_document,
    parse_instant,
    sealing_of,
)
from hotline.database.sealing import Sealing

REQUEST = "request_place"
_ASKS_FOR_NULL = (operators.is_, operators.is_not)
Row = Any  # a named tuple with the labels of the query's columns


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """What a driver needs: text, parameter names in order with their encoders, fixed values, and how to read a row."""

    text: str
    names: tuple[str, ...]
    encoders: Mapping[str, Callable[[Any], Any]]
    constants: Mapping[str, Any]
    row_type: Any
    decoders: tuple[tuple[int, Callable[[Any], Any]], ...]
    labels: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    boolean_columns: tuple[str, ...] = ()
    unsealers: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)  # for `as_dict`

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The parameters in the driver's order. A name that is missing raises KeyError."""
        # each once, however often the statement names it
        encoded = {n: encode(parameters[n]) for n, encode in self.encoders.items() if n not in self.constants}
        return [
            self.constants[n] if n in self.constants else encoded[n] if n in encoded else parameters[n]
            for n in self.names
        ]

    def row(self, raw: Sequence[Any]) -> Row:
        if not self.decoders:
            return self.row_type(*raw)
        cells = list(raw)
        for place, decode in self.decoders:
            cells[place] = decode(cells[place])
        return self.row_type(*cells)

    def as_dict(self, raw: Any) -> dict[str, Any]:
        """A row as a dict ready for JSON."""
        row = dict(zip(self.labels, raw, strict=False))
        for name, unseal in self.unsealers.items():
            if row[name] is not None:
                row[name] = unseal(row[name])
        for name in self.documents:
            row[name] = None if row[name] is None else orjson.Fragment(row[name])
        for name in self.boolean_columns:
            row[name] = bool(row[name])
        return row


class PreparedQuery:
    """A statement, made as `PreparedQuery(select)`; an engine prepares it on first use."""

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._prepared: dict[tuple[str, Sealing | None, tuple[bytes, ...]], CompiledQuery] = {}

    def compile_for(self, dialect: sa.Dialect) -> CompiledQuery:
        """This query as one database understands it."""
        sealing: Sealing | None = getattr(dialect, "sealing", None)
        of_engine = (dialect.name, sealing, sealing.lookups if sealing is not None else ())
        known = self._prepared.get(of_engine)
        if known is None:
            known = self._prepared[of_engine] = _prepare(self.statement, dialect)
        return known


class BatchQuery:
    """A select that is asked for several requests at once. `own_names`: its parameters of which each request has its
    own value, none of them a list; the others are shared."""

    def __init__(self, statement: sa.Select[Any] | sa.CompoundSelect[Any], own_names: Sequence[str]) -> None:
        self.single = PreparedQuery(statement)
        self.own_names = tuple(own_names)
        self.joined = PreparedQuery(_join_to_requests(statement, self.own_names))


def _join_to_requests(statement: Any, own_names: Sequence[str]) -> sa.Select[Any]:
    """The rows of all requests, each with its place among them (from 1) as the last column: the requests' own values
    come as arrays of equal length. For PostgreSQL."""
    own = {b.key: b for b in visitors.iterate(statement) if isinstance(b, sa.BindParameter) and b.key in own_names}
    # each in a SELECT of its own: a planner that saw how short they are would plan anew for each batch
    arrays = [
        sa.select(sa.bindparam(name, type_=ARRAY(_plain(own[name].type)))).scalar_subquery() for name in own_names
    ]
    columns = [sa.column(name, own[name].type) for name in own_names]
    requests = sa.func.unnest(*arrays).table_valued(*columns, with_ordinality=REQUEST).render_derived("request")

    def take_from_request(element: Any, **_: Any) -> Any:
        if not (isinstance(element, sa.BindParameter) and element.key in own):
            return None
        return sa.literal_column(f"request.{element.key}", element.type)  # as text: nothing is joined anew within

    found = visitors.replacement_traverse(statement, {}, take_from_request).lateral("found")
    return sa.select(*found.c, requests.c[REQUEST]).select_from(sa.join(requests, found, sa.true()))


def _plain(kind: Any) -> Any:
    """The type that PostgreSQL has an array of."""
    return sa.DateTime(timezone=True) if isinstance(kind, Instant) else kind


def _prepare(statement: Any, dialect: sa.Dialect) -> CompiledQuery:
    _check_comparisons(statement)
    compiled = statement.compile(dialect=dialect)
    binds: Mapping[str, Any] = compiled.binds
    order = compiled.positiontup or ()
    fixed = {
        n: _encoder(binds[n].type, dialect)(binds[n].value)
        for n in order
        if not binds[n].required and binds[n].value is not None
    }
    encoded = (Instant, Document, Codes, SealedText, KeyForms)
    encoders = {n: _encoder(binds[n].type, dialect) for n in order if isinstance(binds[n].type, encoded)}
    columns = list(getattr(statement, "selected_columns", None) or getattr(statement, "exported_columns", None) or ())
    decoders: list[tuple[int, Callable[[Any], Any]]] = []
    for place, column in enumerate(columns):
        if isinstance(column.type, Instant):
            if dialect.name == "sqlite":  # asyncpg gives zoned moments by itself
                decoders.append((place, parse_instant))
        elif isinstance(column.type, SealedText | SealedDocument):
            decoders.append((place, _unsealer(column.type, dialect)))
        elif isinstance(column.type, Document):
            decoders.append((place, parse_document))
        elif isinstance(column.type, sa.Boolean) and dialect.name == "sqlite":
            decoders.append((place, lambda v: v if v is None else bool(v)))
    shape = namedtuple("Row", [c.key for c in columns]) if columns else tuple
    documents = tuple(str(c.key) for c in columns if isinstance(c.type, Document))
    truths = tuple(str(c.key) for c in columns if isinstance(c.type, sa.Boolean) and dialect.name == "sqlite")
    labels = tuple(str(c.key) for c in columns)
    unsealers = {
        str(c.key): _unsealer(c.type, dialect, as_text=True)
        for c in columns
        if isinstance(c.type, SealedText | SealedDocument)
    }
    return CompiledQuery(
        str(compiled), tuple(order), encoders, fixed, shape, tuple(decoders), labels, documents, truths, unsealers
    )


def _encoder(kind: Any, dialect: sa.Dialect) -> Callable[[Any], Any]:
    lite = dialect.name == "sqlite"
    if isinstance(kind, SealedText):
        return lambda v: v if v is None else kind.seal(sealing_of(dialect), v)
    if isinstance(kind, Instant):
        return lambda v: v if v is None else (format_instant(v) if lite else _require_zone(v))
    if isinstance(kind, Document):
        return lambda v: v if v is None else orjson.dumps(v).decode()
    if isinstance(kind, KeyForms):
        return lambda v: kind.process_bind_param(v, dialect)
    if isinstance(kind, Codes):
        return lambda v: orjson.dumps(list(v)).decode() if lite else list(v)
    return lambda v: v


def _unsealer(kind: Any, dialect: sa.Dialect, *, as_text: bool = False) -> Callable[[Any], Any]:
    """Reads a sealed column. `as_text`: a document as the JSON text it is."""
    context = kind.context
    if isinstance(kind, SealedText):
        return lambda v: v if v is None else sealing_of(dialect).unseal(context, v)
    if as_text:
        return lambda v: sealing_of(dialect).unseal_json(context, v)
    return lambda v: v if v is None else orjson.loads(sealing_of(dialect).unseal_json(context, v))


def _check_comparisons(statement: Any) -> None:
    """Raises TypeError for a sealed column that is compared with what is not sealed like it: nothing would be found."""
    for element in visitors.iterate(statement):
        if not isinstance(element, sa.BinaryExpression) or element.operator in _ASKS_FOR_NULL:
            continue
        sides = (element.left.type, element.right.type)
        sealed = [kind for kind in sides if isinstance(kind, SealedText | SealedDocument)]
        contexts = {kind.context for kind in sealed}
        if sealed and (len(sealed) == 1 or len(contexts) > 1 or not getattr(sealed[0], "can_be_compared", False)):
            raise TypeError(f"a sealed column cannot be compared so: {element}")


def _require_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("an Instant needs a zone")
    return moment
