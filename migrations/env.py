"""Alembic's room: the connection comes from the caller, already in its transaction."""

from alembic import context

from hotline.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
