"""Bringing a service's database to the newest revision, and its role to exactly the rights that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from service_runtime.database.engine import build_engine
from service_runtime.database.revision import known_revisions, newer_revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """A service's migrations.

    Attributes:
        package: where they are, with Alembic's `env.py`; the files of the revisions begin with their numbers.
        lock_key: of the advisory lock that makes migrations started side by side queue up; like no other on the database.
        role: as whom the service logs in.
        rights: verbs by table: what the service's statements need. Locking a row (FOR UPDATE, FOR KEY SHARE) needs UPDATE.
    """

    package: str
    lock_key: int
    role: str
    rights: Mapping[str, str]

    def config(self) -> Config:
        """Returns Alembic's configuration; it lives in the package, so there is no file to find or to forget."""
        config = Config()
        parent, _, name = self.package.rpartition(".")
        config.set_main_option("script_location", f"{parent}:{name}")
        config.set_main_option("path_separator", "os")
        return config

    def upgrade(self, database_url: str, *, application: str) -> str:
        """Applies what is missing, as the role that owns the tables; returns the revision reached. Harmless when repeated.

        What a newer release has migrated stays as it is, tables and rights: that is how one goes back to the release before.

        Args:
            database_url: of the role `migrator`.
            application: shown in `pg_stat_activity`.
        """
        engine = build_engine(database_url, application=application, statement_limit=False)
        try:
            with engine.connect() as connection:
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": self.lock_key})
                newer = newer_revision(connection, self.package)
                connection.commit()
                if newer is not None:
                    return newer
                config = self.config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                self._limit_rights(connection)
                connection.commit()
        finally:
            engine.dispose()
        return known_revisions(self.package)[-1]

    def _limit_rights(self, connection: Connection) -> None:
        """`deploy/postgres/roles.sql` lets the service use any table the migrator makes; this takes the rest away."""
        for table, verbs in self.rights.items():
            connection.execute(text(f"REVOKE ALL ON TABLE {table} FROM {self.role}"))
            connection.execute(text(f"GRANT {verbs} ON TABLE {table} TO {self.role}"))
