"""A backup of a test's database, taken and restored by copying it while nobody uses it."""

from dataclasses import dataclass
from typing import Self

from psycopg2 import sql

from support.database import Database, execute


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The state of a database at one moment."""

    database: Database

    @property
    def _name(self) -> str:
        return f"{self.database.name}_backup"

    @classmethod
    def of(cls, database: Database) -> Self:
        """Take one; every session is ended."""
        backup = cls(database=database)
        backup._copy(database.name, backup._name)
        return backup

    def restore(self) -> None:
        """Put it in the place of what has become of the database meanwhile."""
        name, role = sql.Identifier(self.database.name), sql.Identifier(self.database.service)
        execute(self.database.infra, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        self._copy(self._name, self.database.name)
        execute(
            self.database.infra,
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name),
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, role),
            sql.SQL("DROP DATABASE {}").format(sql.Identifier(self._name)),
        )

    def _copy(self, source: str, target: str) -> None:
        ending = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER migrator")
        execute(
            self.database.infra,
            ending.format(sql.Literal(source)),
            create.format(sql.Identifier(target), sql.Identifier(source)),
        )
