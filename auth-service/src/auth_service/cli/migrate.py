"""`auth-service migrate`: brings the database to the newest schema, as the role that owns the tables."""

from __future__ import annotations

import sys

import structlog
from sqlalchemy.exc import OperationalError

from auth_service.cli.starting import start
from auth_service.db.migrate import migrate
from auth_service.settings import MigrationSettings

log = structlog.get_logger(__name__)


def run() -> None:
    """Migrates and ends; exit code 1 if the database could not be reached."""
    settings = start("auth-migrate", MigrationSettings)
    try:
        revision = migrate(settings.migration_database_url.get_secret_value())
    except OperationalError as error:
        log.error("migration_failed", error=type(error.orig).__name__, reason=str(error.orig).strip())  # noqa: TRY400
        sys.exit(1)
    log.info("database_migrated", revision=revision)
