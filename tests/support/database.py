"""Databases of a test's own: copies of one that was migrated once a session."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql

from support import nursery
from support.infra import Infra

COMMANDS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database and who may enter it."""

    infra: Infra
    name: str
    service: str

    @property
    def url(self) -> str:
        """As the service: reads and writes rows."""
        return self._url(self.service)

    @property
    def migrator_url(self) -> str:
        """As the owner of the tables."""
        return self._url("migrator")

    @property
    def admin_url(self) -> str:
        """As the superuser."""
        return self.infra.cluster.url(database=self.name)

    def _url(self, role: str) -> str:
        password = self.infra.database_passwords[role]
        return self.infra.cluster.url(user=role, password=password, database=self.name)


def migrate(infra: Infra, service: str) -> None:
    """Bring the template database of `service` (`auth` or `mailer`) to the newest schema by its own command."""
    template = Database(infra=infra, name=service, service=service)
    done = nursery.run(
        [COMMANDS / f"{service}-service", "migrate"],
        environment={
            "PATH": os.environ["PATH"],
            f"{service.upper()}_MIGRATION_DATABASE_URL": template.migrator_url,
        },
    )
    assert done.returncode == 0, f"{service}-service migrate:\n{done.stdout}{done.stderr}"


@contextmanager
def database_copy(infra: Infra, service: str) -> Iterator[Database]:
    """Copy the template of `service`, with the same rights; drop the copy at the end."""
    copy = Database(infra=infra, name=f"{service}_{secrets.token_hex(4)}", service=service)
    database, template, role = sql.Identifier(copy.name), sql.Identifier(service), sql.Identifier(service)
    # Costs half of the usual strategy, which writes each page to the log.
    copying = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER migrator STRATEGY FILE_COPY")
    create = copying.format(database, template)
    close = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database)
    admit = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role)
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database)
    execute(infra, create, close, admit)
    try:
        yield copy
    finally:
        infra.ensure_postgres()
        execute(infra, drop)


def execute(infra: Infra, *statements: sql.Composed) -> None:
    """Run these as the superuser, each for itself."""
    with closing(psycopg2.connect(infra.postgres_admin_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
