"""What the service itself may do with each table: what its statements need, and no more.

`deploy/postgres/roles.sql` lets the service read and write rows of any table the migrator makes; each migration then ends
here and takes the rest away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, text

ROLE: Final = "auth"
RIGHTS: Final[Mapping[str, str]] = {
    "accounts": "SELECT, INSERT, UPDATE",
    "alembic_version": "SELECT",
    "announcements": "SELECT, INSERT, UPDATE",
    "hold_totals": "SELECT, INSERT, UPDATE",
    "letter_events": "SELECT, INSERT",
    "letters": "SELECT, INSERT, UPDATE, DELETE",
    "limits": "SELECT, INSERT, UPDATE, DELETE",
    "one_time_tokens": "SELECT, INSERT, UPDATE, DELETE",
    "outbox": "SELECT, INSERT, UPDATE, DELETE",
    "refused_mailboxes": "SELECT, INSERT, UPDATE, DELETE",
    "registrations": "SELECT, INSERT, UPDATE, DELETE",
}
"""Verbs by table. Locking a row (FOR UPDATE, FOR KEY SHARE) needs UPDATE."""


def limit_rights(connection: Connection) -> None:
    """Leaves the service exactly the `RIGHTS`, as the owner of the tables; the caller commits."""
    for table, verbs in RIGHTS.items():
        connection.execute(text(f"REVOKE ALL ON TABLE {table} FROM {ROLE}"))
        connection.execute(text(f"GRANT {verbs} ON TABLE {table} TO {ROLE}"))
