"""Writes the guides that are generated from the source: `python -m tools.guides schema` (docs/schema.md, every table by
package) or `providers` (docs/providers.md, every provider with what can be set). `make docs` writes both."""

import re
import sys
from collections.abc import Iterator

import sqlalchemy as sa

from hotline.database.columns import Document, Instant, SearchIndex
from hotline.delivery import registry
from hotline.delivery.model import GatewayKind
from hotline.delivery.provider import GatewayProvider
from hotline.tables import TABLE_MODULES

TITLES = {
    GatewayKind.SMS: "SMS gateways",
    GatewayKind.VOICE: "Exchanges",
    GatewayKind.ORDERS: "Platforms of other hotlines",
    GatewayKind.ROBOT: "Robots of group chats",
}
_CHECKED = re.compile(r"(\w+) IN \((.*)\)", re.DOTALL)
SCHEMA = """# The schema

Generated from the `tables.py` of each package by `make docs`; do not edit. Both databases have the same tables, made by
the migrations in `migrations/versions`. An instant is UTC: `timestamptz` on PostgreSQL, text that sorts on SQLite. JSON
is `jsonb` on PostgreSQL, text on SQLite. Codes are the directory's; a `number` is a ticket's, check digit included.
"""
PROVIDERS = """# The providers

Generated from the providers' own files by `make docs`; do not edit. `hotline gateway providers` lists those of other
installed packages, too. How to set one up, and how to write one: [channels](channels.md).
"""


def schema() -> str:
    """docs/schema.md, whole."""
    return "\n".join([SCHEMA, *_contents(), *(line for module in TABLE_MODULES for line in _package(module))])


def _tables(module: object) -> list[sa.Table]:
    return [found for found in vars(module).values() if isinstance(found, sa.Table)]


def _name_of(module: object) -> str:
    return str(vars(module)["__name__"]).removeprefix("hotline.").removesuffix(".tables")


def _contents() -> Iterator[str]:
    yield from ("| package | tables |", "|---|---|")
    for module in TABLE_MODULES:
        names = ", ".join(f"[{table.name}](#{table.name})" for table in _tables(module))
        yield f"| `{_name_of(module)}` | {names} |"
    yield ""


def _package(module: object) -> Iterator[str]:
    yield from (f"## Package {_name_of(module)}", "", (vars(module)["__doc__"] or "").strip(), "")
    for table in _tables(module):
        yield from _table(table)
    for index in (found for found in vars(module).values() if isinstance(found, SearchIndex)):
        yield from (
            f"### {index.table}",
            "",
            f"Full-text index, made by the migrations: `words` of the row whose `{index.key}` it holds. SQLite: an FTS5"
            " table; PostgreSQL: a tsvector under a GIN index.",
            "",
        )


def _table(table: sa.Table) -> Iterator[str]:
    yield from (f"### {table.name}", "", table.info["doc"], "")
    yield from ("| column | type | null | key | about |", "|---|---|---|---|---|")
    words = dict(_words(table))
    for column in table.columns:
        about = " · ".join(filter(None, [column.doc, words.get(column.name)]))
        null = "yes" if column.nullable else ""
        yield f"| {column.name} | {_type(column.type)} | {null} | {_key(column)} | {_cell(about)} |"
    yield ""
    lines = [*_unique(table), *_indexes(table)]
    if lines:
        yield from (*lines, "")


def _type(kind: sa.types.TypeEngine[object]) -> str:
    if isinstance(kind, Instant):
        return "instant"
    if isinstance(kind, Document):
        return "JSON"
    if isinstance(kind, sa.String) and kind.length:
        return f"string({kind.length})"
    return str(kind.__visit_name__).replace("_", " ")


def _key(column: sa.Column[object]) -> str:
    keys = ["primary"] if column.primary_key else []
    keys += ["unique"] if column.unique else []
    return ", ".join([*keys, *(f"→ {key.target_fullname}" for key in sorted(column.foreign_keys, key=str))])


def _words(table: sa.Table) -> Iterator[tuple[str, str]]:
    """The words that a CHECK allows in a column."""
    for check in table.constraints:
        if isinstance(check, sa.CheckConstraint) and (found := _CHECKED.fullmatch(str(check.sqltext))):
            yield found[1], "one of " + found[2].replace("'", "")


def _unique(table: sa.Table) -> Iterator[str]:
    for rule in sorted(table.constraints, key=lambda rule: str(rule.name)):
        if isinstance(rule, sa.UniqueConstraint) and len(rule.columns) > 1:
            yield f"- unique: {', '.join(rule.columns.keys())}"


def _indexes(table: sa.Table) -> Iterator[str]:
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        where = index.dialect_options["postgresql"]["where"]
        kind = "unique index" if index.unique else "index"
        held = f" where {where}" if where is not None else ""
        yield f"- {kind} `{index.name}`: {', '.join(map(str, index.columns.keys()))}{held}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def providers() -> str:
    """docs/providers.md, whole: our own providers, whatever else is installed."""
    lines = [PROVIDERS]
    for kind in GatewayKind:
        lines += [f"## {TITLES[kind]}", ""]
        for name in registry.provider_names(kind):
            if registry.package_name(registry.installed_providers(kind)[name]) == registry.OWN_PACKAGE:
                lines += [f"- `{name}` — {registry.find_provider(kind, name, GatewayProvider).description()}"]
        lines.append("")
    return "\n".join(lines)


GUIDES = {"schema": schema, "providers": providers}

if __name__ == "__main__":
    print(GUIDES[sys.argv[1]]().rstrip("\n"))
