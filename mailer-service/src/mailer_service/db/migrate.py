"""Brings the database to the tables this version needs, and its role to the rights its statements need."""

from __future__ import annotations

from typing import Final

from mailer_service.db import MIGRATIONS_PACKAGE
from service_runtime.database.migrations import Migrations

MIGRATIONS: Final = Migrations(
    package=MIGRATIONS_PACKAGE,
    lock_key=0x706F7374_6D61696C,
    role="mailer",
    rights={
        "alembic_version": "SELECT",
        "attempts": "SELECT, INSERT",
        "holds": "SELECT, INSERT, UPDATE, DELETE",
        "interventions": "SELECT, INSERT",
        "letters": "SELECT, INSERT, UPDATE",
        "operator_actions": "SELECT, INSERT",
        "providers": "SELECT, INSERT, UPDATE",
        "suppression_actions": "SELECT, INSERT",
        "suppressions": "SELECT, INSERT, UPDATE, DELETE",
    },
)


def migrate(database_url: str) -> str:
    """Applies what is missing; returns the revision reached. Harmless when repeated, also side by side.

    Args:
        database_url: of the role `migrator`, which owns the tables.
    """
    return MIGRATIONS.upgrade(database_url, application="mailer-service migrate")
