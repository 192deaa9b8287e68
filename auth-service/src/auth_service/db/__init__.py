"""What auth-service remembers: engine, tables, repositories, migrations."""

from __future__ import annotations

from typing import Final

MIGRATIONS_PACKAGE: Final = "auth_service.db.migrations"
