"""A backup of a test's database, taken and restored by copying it while nobody uses it."""

from contextlib import closing
from dataclasses import dataclass
from typing import Self

import psycopg2
from psycopg2 import sql

from support.database import Database


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
        _execute(self.database, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        self._copy(self._name, self.database.name)
        _execute(
            self.database,
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name),
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, role),
            sql.SQL("DROP DATABASE {}").format(sql.Identifier(self._name)),
        )

    def _copy(self, source: str, target: str) -> None:
        ending = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER migrator")
        _execute(
            self.database,
            ending.format(sql.Literal(source)),
            create.format(sql.Identifier(target), sql.Identifier(source)),
        )


def _execute(database: Database, *statements: sql.Composed) -> None:
    with closing(psycopg2.connect(database.infra.postgres_admin_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
