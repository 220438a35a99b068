"""Column types and expressions that mean the same on both databases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators

from hotline.database.sealing import MARK, Sealing
from hotline.server_secret import lookup_variants


def format_instant(moment: datetime) -> str:
    """A moment as both databases and the journal write it: UTC, microseconds, sorts as text."""
    if moment.tzinfo is None:
        raise ValueError("an Instant needs a zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(sa.TypeDecorator[datetime]):
    """A moment in UTC. A naive datetime is a bug, and is refused."""

    impl, cache_ok = sa.DateTime(timezone=True), True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.String(32) if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        return format_instant(value) if dialect.name == "sqlite" else datetime.fromisoformat(format_instant(value))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return parse_instant(value)


class Document(sa.TypeDecorator[Any]):
    """Plain data kept as JSON: text on SQLite, jsonb on PostgreSQL. Given and asked for whole."""

    impl, cache_ok = sa.Text, True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return value if dialect.name == "postgresql" or value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return parse_document(value)


class SealedText(sa.TypeDecorator[str]):
    """Personal text, sealed for a context before it reaches the database: its table and column, as `ticket.title`, so
    that it cannot be read as another's. It can be read, not compared."""

    impl, cache_ok = sa.Text, True
    can_be_compared = False

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else self.seal(sealing_of(dialect), value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else sealing_of(dialect).unseal(self.context, value)

    def seal(self, sealing: Sealing, value: str) -> str:
        return sealing.seal(self.context, value)


class PackedText(SealedText):
    """Sealed text that may be long: compressed before it is sealed."""

    impl, cache_ok = sa.Text, True

    def seal(self, sealing: Sealing, value: str) -> str:
        return sealing.seal_packed(self.context, value)


class KeyComparison(sa.BinaryExpression[Any]):
    """Whether a column holds a value that is found by the look-up key. While that key is replaced it may be sealed or
    hashed with either: then the value is compared in both forms."""

    inherit_cache = False  # how many keys there are is known to the engine


class _KeyComparator(sa.TypeDecorator.Comparator[str], sa.Text.Comparator):  # type: ignore[type-arg]
    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        made = super().operate(op, *other, **kwargs)
        is_comparison = op in (operators.eq, operators.ne) and isinstance(made, sa.BinaryExpression)
        if is_comparison and isinstance(made.right, sa.BindParameter):
            return KeyComparison(made.left, made.right, op, type_=made.type, negate=made.negate)
        return made


class SealedKey(SealedText):
    """Personal text that is looked up: equal values of a context are sealed equal, and have no other order. Columns
    that are compared with each other have one context, such as `phone`."""

    impl, cache_ok = sa.Text, True
    can_be_compared = True
    comparator_factory = _KeyComparator

    def forms(self, sealing: Sealing, value: str) -> list[str]:
        """A value as rows may hold it, under each look-up key."""
        return sealing.seal_key_variants(self.context, value)

    def seal(self, sealing: Sealing, value: str) -> str:
        return sealing.seal_key(self.context, value)


class LookupHash(sa.TypeDecorator[str]):
    """A keyed hash by which rows are found, as `server_secret.LookupDigest` gives it."""

    impl, cache_ok = sa.String, True
    comparator_factory = _KeyComparator

    def forms(self, sealing: Sealing, value: str) -> list[str]:
        """A value as rows may hold it, under each look-up key."""
        return list(lookup_variants(value))


class KeyForms(sa.TypeDecorator[str]):
    """All forms of one value of such a column, given as ONE parameter. `kind`: the column's type."""

    impl, cache_ok = sa.Text, True

    def __init__(self, kind: "SealedKey | LookupHash") -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(sa.Text()) if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        forms = [] if value is None else self.kind.forms(sealing_of(dialect), value)
        return forms if dialect.name == "postgresql" else orjson.dumps(forms).decode()


class SealedDocument(Document):
    """A document with personal data, sealed whole: a JSON string that holds it sealed."""

    impl, cache_ok = sa.Text, True

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return super().process_bind_param(self.seal(sealing_of(dialect), value), dialect)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith(MARK):  # PostgreSQL has read the JSON string
            return self.unseal(sealing_of(dialect), value)
        return parse_document(sealing_of(dialect).unseal_json(self.context, value))

    def seal(self, sealing: Sealing, value: Any) -> Any:
        """The string that stands for it; what is empty stays as it is."""
        return sealing.seal(self.context, orjson.dumps(value).decode()) if value else value

    def unseal(self, sealing: Sealing, found: Any) -> Any:
        return orjson.loads(sealing.unseal(self.context, found)) if isinstance(found, str) else found


def use_sealing(dialect: sa.Dialect, sealing: Sealing | None) -> None:
    """Let the sealed columns of an engine be sealed with this."""
    dialect.sealing = sealing  # type: ignore[attr-defined]


def sealing_of(dialect: sa.Dialect) -> Sealing:
    """What seals the personal data of an engine. Raises RuntimeError: it was made without a secret."""
    sealing: Sealing | None = getattr(dialect, "sealing", None)
    if sealing is None:
        raise RuntimeError("this engine was made without what seals personal data")
    return sealing


class Codes(sa.TypeDecorator[Sequence[str]]):
    """A list of codes given as ONE parameter, so that a statement has the same text however many there are."""

    impl, cache_ok = sa.Text, True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(sa.String()) if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else orjson.dumps(list(value)).decode()


def parse_instant(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    moment: datetime | None = value
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def parse_document(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


class InCodes(sa.ColumnElement[bool]):
    """`column` is one of the codes in the parameter `name`."""

    inherit_cache = False
    type = sa.Boolean()

    def __init__(self, column: sa.ColumnElement[Any], name: str) -> None:
        self.column, self.bind = column, sa.bindparam(name, type_=Codes())


class ListContains(sa.ColumnElement[bool]):
    """The list in a `Document` column holds the code in the parameter `name`."""

    inherit_cache = False
    type = sa.Boolean()

    def __init__(self, column: sa.ColumnElement[Any], name: str) -> None:
        self.column, self.bind = column, sa.bindparam(name, type_=sa.String())


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """A full-text index over the rows of another table. `table`, whose name ends in `_words`, has their key in the
    column `key`, and what they can be found by in `words` (SQLite: an FTS5 table; PostgreSQL: a tsvector under GIN)."""

    table: str
    key: str


class MatchesSearch(sa.ColumnElement[bool]):
    """`column` is the key of a row whose words in the index match the parameter `name`."""

    inherit_cache = False
    type = sa.Boolean()

    def __init__(self, index: SearchIndex, column: sa.ColumnElement[Any], name: str) -> None:
        self.index, self.column, self.bind = index, column, sa.bindparam(name, type_=sa.Text())


class JsonRows(sa.ColumnElement[Any]):
    """All rows of a subselect as one JSON list of lists, in the order of these columns: the few children of a row
    without another round trip, and without repeating the parent for each."""

    inherit_cache = False
    type = Document()

    def __init__(self, *columns: sa.ColumnElement[Any]) -> None:
        self.columns = columns


@compiles(JsonRows, "postgresql")
def _json_rows_postgres(element: JsonRows, compiler: Any, **kw: Any) -> str:
    cells = ", ".join(compiler.process(c, **kw) for c in element.columns)
    return f"coalesce(jsonb_agg(jsonb_build_array({cells})), '[]')"


@compiles(JsonRows, "sqlite")
def _json_rows_sqlite(element: JsonRows, compiler: Any, **kw: Any) -> str:
    cells = [(c, compiler.process(c, **kw)) for c in element.columns]
    listed = ", ".join(f"json({sql})" if isinstance(c.type, Document) else sql for c, sql in cells)
    return f"json_group_array(json_array({listed}))"


@compiles(KeyComparison)
def _compare_key(element: KeyComparison, compiler: Any, **kw: Any) -> str:
    sealing, right = getattr(compiler.dialect, "sealing", None), element.right
    kind: Any = element.left.type
    if sealing is None or len(sealing.lookups) == 1 or not isinstance(right, sa.BindParameter):
        return str(compiler.visit_binary(element, **kw))
    forms = sa.BindParameter(right.key, right.value, KeyForms(kind), required=right.required)
    column, bind = compiler.process(element.left, **kw), compiler.process(forms, **kw)
    differs = element.operator is operators.ne
    if compiler.dialect.name == "postgresql":
        return f"{column} {'<> ALL' if differs else '= ANY'}({bind})"
    return f"{column} {'NOT IN' if differs else 'IN'} (SELECT value FROM json_each({bind}))"


@compiles(MatchesSearch, "postgresql")
def _matches_search_postgres(element: MatchesSearch, compiler: Any, **kw: Any) -> str:
    column, bind = compiler.process(element.column, **kw), compiler.process(element.bind, **kw)
    index = element.index
    return f"{column} IN (SELECT {index.key} FROM {index.table} WHERE words @@ CAST({bind} AS tsquery))"


@compiles(MatchesSearch, "sqlite")
def _matches_search_sqlite(element: MatchesSearch, compiler: Any, **kw: Any) -> str:
    column, bind = compiler.process(element.column, **kw), compiler.process(element.bind, **kw)
    index = element.index
    return f"{column} IN (SELECT {index.key} FROM {index.table} WHERE {index.table} MATCH {bind})"


@compiles(InCodes, "postgresql")
def _in_codes_postgres(element: InCodes, compiler: Any, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY({compiler.process(element.bind, **kw)})"


@compiles(InCodes, "sqlite")
def _in_codes_sqlite(element: InCodes, compiler: Any, **kw: Any) -> str:
    column, bind = compiler.process(element.column, **kw), compiler.process(element.bind, **kw)
    return f"{column} IN (SELECT value FROM json_each({bind}))"


@compiles(ListContains, "postgresql")
def _list_contains_postgres(element: ListContains, compiler: Any, **kw: Any) -> str:
    return f"jsonb_exists({compiler.process(element.column, **kw)}, {compiler.process(element.bind, **kw)})"


@compiles(ListContains, "sqlite")
def _list_contains_sqlite(element: ListContains, compiler: Any, **kw: Any) -> str:
    column, bind = compiler.process(element.column, **kw), compiler.process(element.bind, **kw)
    return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = {bind})"


def in_words(column: sa.ColumnElement[Any], words: Iterable[StrEnum]) -> sa.ColumnElement[bool]:
    """`column` is one of these words of the vocabulary: written into the statement, so that a partial index can serve
    it."""
    return column.in_([sa.literal_column(f"'{word}'") for word in sorted(words)])


def words_check(column: str, words: type[StrEnum]) -> sa.CheckConstraint:
    """CHECK that a column holds a word of the vocabulary."""
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_word")
