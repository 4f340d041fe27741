"""Alembic's entry: migrates over the connection that `panier_backoffice.schema` hands in."""

from __future__ import annotations

from alembic import context

from panier_backoffice.schema import METADATA

connection = context.config.attributes["connection"]
# SQLite cannot alter most of a table: batch mode copies it instead.
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
