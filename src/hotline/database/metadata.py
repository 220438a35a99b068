"""The metadata every table belongs to, with one naming convention for constraints. Times are UTC; codes are the
directory's; a number is a ticket's, check digit included."""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, purpose: str, *items: sa.schema.SchemaItem) -> sa.Table:
    """A table of the schema. `purpose` is one line for `docs/schema.md`; it makes no DDL."""
    return sa.Table(name, metadata, *items, info={"doc": purpose})
