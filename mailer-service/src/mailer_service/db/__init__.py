"""The database `mailer`: tables, engine, migrations, and the sign of life of a replica."""

from __future__ import annotations

from typing import Final

MIGRATIONS_PACKAGE: Final = "mailer_service.db.migrations"
