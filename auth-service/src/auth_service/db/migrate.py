"""Brings the database to the tables this version needs, and its role to the rights its statements need."""

from __future__ import annotations

from typing import Final

from auth_service.db import MIGRATIONS_PACKAGE
from service_runtime.database.migrations import Migrations

MIGRATIONS: Final = Migrations(
    package=MIGRATIONS_PACKAGE,
    lock_key=7_305_122_117,
    role="auth",
    rights={
        "account_imports": "SELECT, INSERT, UPDATE",
        "accounts": "SELECT, INSERT, UPDATE, DELETE",
        "alembic_version": "SELECT",
        "announcements": "SELECT, INSERT, UPDATE",
        "audit_events": "SELECT, INSERT, DELETE",
        "authorization_codes": "SELECT, INSERT, UPDATE, DELETE",
        "email_changes": "SELECT, INSERT, UPDATE, DELETE",
        "hold_totals": "SELECT, INSERT, UPDATE",
        "letter_events": "SELECT, INSERT",
        "letters": "SELECT, INSERT, UPDATE, DELETE",
        "limits": "SELECT, INSERT, UPDATE, DELETE",
        "one_time_tokens": "SELECT, INSERT, UPDATE, DELETE",
        "outbox": "SELECT, INSERT, UPDATE, DELETE",
        "refresh_tokens": "SELECT, INSERT, UPDATE, DELETE",
        "refused_mailboxes": "SELECT, INSERT, UPDATE, DELETE",
        "registrations": "SELECT, INSERT, UPDATE, DELETE",
        "sessions": "SELECT, INSERT, UPDATE, DELETE",
    },
)


def migrate(database_url: str) -> str:
    """Applies what is missing; returns the revision reached. Harmless when repeated, also side by side.

    Args:
        database_url: of the role `migrator`, which owns the tables.
    """
    return MIGRATIONS.upgrade(database_url, application="auth-service migrate")
