"""Brings the database to the tables this version needs."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from mailer_service.store.engine import database_url
from mailer_service.store.rights import limit_rights

_ONE_AT_A_TIME = 0x706F7374_6D61696C
"""Key of the advisory lock that makes migrations of several containers queue up; any fixed number would do."""


def migration_config() -> Config:
    """Returns Alembic's configuration for the migrations of this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(url: str) -> None:
    """Applies every migration not applied yet, as the owner of the tables; safe to run side by side."""
    engine = create_engine(database_url(url), poolclass=NullPool)
    config = migration_config()
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        limit_rights(connection)
