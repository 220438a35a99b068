"""Inserts that skip rows which already exist."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_ignoring_duplicates(c: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert; a row whose key is there already is left out."""
    made = postgresql.insert(table) if c.dialect.name == "postgresql" else sqlite.insert(table)
    c.execute(made.on_conflict_do_nothing(), list(rows))
