"""Bringing the database to the newest revision, and saying whether it is there."""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from auth_service.store.engine import build_engine

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
            connection.commit()
    finally:
        engine.dispose()
    return head_revision()


def alembic_config() -> Config:
    """Returns Alembic's configuration; it lives in this package, so there is no file to find or to forget."""
    config = Config()
    config.set_main_option("script_location", "auth_service.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


@cache
def head_revision() -> str:
    """Returns the newest revision this release knows."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if head is None:
        raise RuntimeError("the package holds no migrations")
    return head


def is_migrated(connection: Connection) -> bool:
    """Says whether this release can work with the database.

    A revision it does not know was applied by a newer release, and migrations expand before they contract: that is fine.
    """
    current = MigrationContext.configure(connection).get_current_revision()
    return current is not None and (current == head_revision() or current not in _known_revisions())


@cache
def _known_revisions() -> frozenset[str]:
    return frozenset(
        script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()
    )
