"""Run by Alembic with the connection that `db/migrate.py` opened."""

from __future__ import annotations

from alembic import context

from auth_service.db import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.Account.metadata,
    compare_server_default=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
