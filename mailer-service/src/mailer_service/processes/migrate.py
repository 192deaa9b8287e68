"""`mailer-service migrate`: brings the ledger's tables to this version."""

from __future__ import annotations

from mailer_service.settings import MigrationSettings
from mailer_service.store.migrate import migrate


def run(settings: MigrationSettings) -> None:
    """Applies every migration not applied yet."""
    migrate(settings.migration_database_url.get_secret_value())
