"""Bringing a database to a revision: one Alembic tree for both engines."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from hotline.database.columns import SealedText, sealing_of
from hotline.database.engine import Database
from hotline.database.metadata import metadata
from hotline.database.schema_state import SchemaFit, load_revision, read_schema_state
from hotline.database.sealing import MARK
from hotline.refusals import Code, Refusal, Refused

PG_LOCK_TIMEOUT = "4s"  # a migration that cannot get its lock gives way to the traffic and fails
# no data of the hotline, or of the last minutes alone; a migration that takes something out of `stored_key` counts what
# would be lost with it
_IGNORED_TABLES = frozenset({
    "alembic_version", "chain_opening", "running_process", "schema_compatibility", "sealing_progress",
    "sqlite_sequence", "stored_key", "voice_ring",
})  # fmt: skip
# what a way up fills in again from the timeline
_DERIVED_COLUMNS = frozenset({("assignment", "signed_at")})
# with the tables SQLite keeps behind one (`…_words_data` and so on): what an index holds follows from other tables
_SEARCH_INDEX = re.compile(r"_words(_|$)")
_COMPARED_BY_KEY = 10_000  # rows: in smaller tables every row is looked for, in larger ones they are counted


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


async def migrate_to(db: Database, migrations: Path, revision: str = "head", *, lose_data: bool = False) -> str | None:
    """Upgrade (or, given an older revision, downgrade) and return the revision reached. One transaction: all or
    nothing. Raises Refused: no such revision; a database newer than this code; or a way down on which rows or values
    would be lost, unless `lose_data`.

    Lost rows, values and characters are counted. A downgrade that replaces values adds their number to
    `config.attributes["lost_values"]`, by `table.column`."""
    config = _config(migrations)

    def run_migration(connection: sa.Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PG_LOCK_TIMEOUT}'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(24365)")  # two processes starting at once
        config.attributes["connection"] = connection
        script = ScriptDirectory.from_config(config)
        state = read_schema_state(connection, migrations)
        if state.fit is SchemaFit.NEWER and revision == "head":
            return
        if state.fit in (SchemaFit.NEWER, SchemaFit.TOO_NEW):
            raise Refused(Refusal(Code.CONFLICT, state.says))
        here = state.revision
        older = revision == "base" or (
            here is not None
            and revision != "head"
            and revision in {r.revision for r in script.iterate_revisions(here, "base")} - {here}
        )
        if not older:
            command.upgrade(config, revision)
            return
        before = {} if lose_data else _load_contents(connection)
        replaced = Counter[str]()
        config.attributes["lost_values"] = replaced
        command.downgrade(config, revision)
        if not lose_data and (lost := _data_loss_errors(before, _load_contents(connection), replaced)):
            raise Refused(  # and the transaction with it: nothing has happened
                Refusal(
                    Code.CONFLICT,
                    f"going down to {revision} would lose data: keep it elsewhere, then say --lose-data",
                    errors=tuple(lost),
                )
            )

    try:
        await db.migrate(run_migration)
    except CommandError as fault:
        raise Refused(
            Refusal(Code.INVALID, f"no such revision: {revision}", errors=(("revision", str(fault)[:200]),))
        ) from None
    return await load_revision(db)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a table holds: how many rows, how many values in each column, how many characters in each text column and
    how many a value of it may have (None: any number), and the keys of its rows where they are few."""

    rows: int
    values: Mapping[str, int]
    characters: Mapping[str, int]
    limits: Mapping[str, int | None]
    keys: frozenset[Any] | None = field(default=None)


def _load_contents(connection: sa.Connection) -> dict[str, _Content]:
    """What every table holds, asked of the database itself: a migration is judged by what it does."""
    look = sa.inspect(connection)
    contents: dict[str, _Content] = {}
    for name in sorted(set(look.get_table_names()) - _IGNORED_TABLES):
        if _SEARCH_INDEX.search(name):
            continue
        described = [c for c in look.get_columns(name) if (name, str(c["name"])) not in _DERIVED_COLUMNS]
        types = {str(c["name"]): c["type"] for c in described}
        off = {str(c["name"]) for c in described if str(c["default"]).strip("'() ").lower() in ("0", "false")}
        limits = {c: type_.length for c, type_ in types.items() if isinstance(type_, sa.String)}
        columns, texts = [*types], [*limits]
        table = sa.table(name, *(sa.column(c) for c in columns))
        counts = (sa.func.count(_said(table.c[c], types[c], by_itself=c in off)) for c in columns)
        lengths = (sa.func.coalesce(sa.func.sum(sa.func.length(table.c[c])), 0) for c in texts)
        counted = connection.execute(sa.select(sa.func.count(), *counts, *lengths).select_from(table)).one()
        key = [table.c[c] for c in look.get_pk_constraint(name)["constrained_columns"]]
        keys = None
        if key and counted[0] <= _COMPARED_BY_KEY:
            keys = frozenset(tuple(row) for row in connection.execute(sa.select(*key)))
            if any(isinstance(value, str) and value.startswith(MARK) for row in keys for value in row):
                keys = None  # they stand otherwise in plain: counted, not compared
        values = dict(zip(columns, counted[1 : 1 + len(columns)], strict=True))
        characters = dict(zip(texts, counted[1 + len(columns) :], strict=True))
        for text in texts:
            characters[text] -= _added_by_sealing(connection, name, text)
        contents[name] = _Content(counted[0], values, characters, limits, keys)
    return contents


def _said(column: sa.ColumnElement[Any], kind: Any, *, by_itself: bool) -> sa.ColumnElement[Any]:
    """What of a column somebody wrote: not the "no" that stands there by itself."""
    return sa.case((column != sa.false(), 1)) if by_itself and isinstance(kind, sa.Boolean) else column


def _added_by_sealing(connection: sa.Connection, name: str, column: str) -> int:
    """By how many characters the sealed values of a column of the table `name` are longer than what they hold."""
    known = metadata.tables.get(name)
    kind = known.c[column].type if known is not None and column in known.c else None
    if not isinstance(kind, SealedText):
        return 0
    sealing = sealing_of(connection.dialect)
    raw = sa.table(name, sa.column(column, sa.Text)).c[column]
    with connection.execute(sa.select(raw).where(raw.startswith(MARK))) as found:
        return sum(len(value) - len(sealing.unseal(kind.context, value)) for value in found.scalars())


def _data_loss_errors(
    before: Mapping[str, _Content], after: Mapping[str, _Content], replaced: Mapping[str, int]
) -> list[tuple[str, str]]:
    """What was there and is no more: tables and columns with how many rows and values. `replaced`: by column, how many
    values a downgrade put others in place of."""
    lost = [(column, f"{count} values would be lost") for column, count in replaced.items() if count > 0]
    for name, content_before in before.items():
        content_after = after.get(name)
        if content_after is None:
            rows = content_before.rows
        elif content_before.keys is not None and content_after.keys is not None:
            rows = len(content_before.keys - content_after.keys)
        else:
            rows = max(0, content_before.rows - content_after.rows)
        if rows:
            lost.append((name, f"{rows} rows would be lost"))
        if content_after is None:
            continue
        for column, count in content_before.values.items():
            gone = count if column not in content_after.values else count - content_after.values[column] - rows
            if gone > 0:
                lost.append((f"{name}.{column}", f"{gone} values would be lost"))
            elif not rows and (cut := _truncated_characters(content_before, content_after, column)) > 0:
                lost.append((f"{name}.{column}", f"{cut} characters would be cut off"))
    return lost


def _truncated_characters(content_before: _Content, content_after: _Content, column: str) -> int:
    """How many characters of a text column are gone because it holds shorter values now."""
    before, now = content_before.limits.get(column), content_after.limits.get(column)
    if column not in content_before.limits or now is None or (before is not None and before <= now):
        return 0
    return content_before.characters[column] - content_after.characters[column]
