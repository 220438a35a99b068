"""Counts rows, for reports of what would be deleted."""

import sqlalchemy as sa


def count_rows(c: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    """How many rows of a table the condition holds for."""
    return int(c.execute(sa.select(sa.func.count()).select_from(table).where(condition)).scalar_one())
