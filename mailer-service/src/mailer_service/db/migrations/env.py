"""Alembic's entry point: works on the connection, and in the transaction, it is given."""

from __future__ import annotations

from alembic import context

from mailer_service.db.holds import HoldRow  # noqa: F401 - makes its table known
from mailer_service.db.interventions import InterventionRow

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=InterventionRow.metadata,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
