"""Bringing the database to the newest revision."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from auth_service.store.engine import build_engine
from auth_service.store.revision import known_revisions
from auth_service.store.rights import limit_rights

# Any number that no other program uses on this database: two deployments at once migrate one after the other.
_MIGRATION_LOCK = 7_305_122_117


def migrate(database_url: str) -> str:
    """Applies what is missing, as the role that owns the tables; returns the revision reached. Harmless when repeated.

    Args:
        database_url: of the role `migrator`.
    """
    engine = build_engine(database_url, application="auth-service migrate", statement_limit=False)
    try:
        with engine.connect() as connection:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
            connection.commit()
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            limit_rights(connection)
            connection.commit()
    finally:
        engine.dispose()
    return known_revisions()[-1]


def alembic_config() -> Config:
    """Returns Alembic's configuration; it lives in this package, so there is no file to find or to forget."""
    config = Config()
    config.set_main_option("script_location", "auth_service.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
