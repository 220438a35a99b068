"""Bringing a database to a revision: one Alembic tree for both engines."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from hotline.domain.ticket import Refusal, Refused
from hotline.domain.vocabulary import Code

from .database import Database

PG_LOCK_TIMEOUT = "4s"  # a migration that cannot get its lock gives way to the traffic and fails


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def newest(migrations: Path) -> str:
    """The revision this code needs."""
    return ScriptDirectory.from_config(_config(migrations)).get_current_head() or ""


async def revision_of(db: Database) -> str | None:
    """The revision a database stands at; None: empty."""
    return await db.transact(lambda c: MigrationContext.configure(c).get_current_revision())


async def bring_to(db: Database, migrations: Path, revision: str = "head") -> str | None:
    """Upgrade (or, given an older revision, downgrade) and return the revision reached. One transaction: all or
    nothing."""
    config = _config(migrations)

    def move(connection: sa.Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PG_LOCK_TIMEOUT}'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(24365)")  # two processes starting at once
        config.attributes["connection"] = connection
        here = MigrationContext.configure(connection).get_current_revision()
        script = ScriptDirectory.from_config(config)
        older = revision == "base" or (
            here is not None
            and revision != "head"
            and revision in {r.revision for r in script.iterate_revisions(here, "base")} - {here}
        )
        (command.downgrade if older else command.upgrade)(config, revision)

    try:
        await db.migrate(move)
    except CommandError as fault:
        raise Refused(
            Refusal(Code.INVALID, f"no such revision: {revision}", errors=(("revision", str(fault)[:200]),))
        ) from None
    return await revision_of(db)
