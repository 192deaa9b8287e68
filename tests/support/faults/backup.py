"""A backup of a test's database, made and put back with pg_dump and pg_restore as the runbook says."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg2 import sql

from postern_local.database import binaries
from support.database import Database, execute


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The state of a database at one moment."""

    database: Database
    dump: Path

    def restore(self) -> None:
        """Put it in the place of what has become of the database meanwhile; every session is ended."""
        name, role = sql.Identifier(self.database.name), sql.Identifier(self.database.service)
        execute(
            self.database.infra,
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name),
            # As roles.sql does for a database that is not there.
            sql.SQL("CREATE DATABASE {} OWNER migrator").format(name),
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name),
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, role),
        )
        _run("pg_restore", "--exit-on-error", "--dbname", self.database.admin_url, str(self.dump))


@contextmanager
def backup_of(database: Database) -> Iterator[Backup]:
    """Take one, while the services may go on; it is kept until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / f"{database.name}.dump"
        _run("pg_dump", "--format", "custom", "--dbname", database.admin_url, "--file", str(dump))
        yield Backup(database=database, dump=dump)


def _run(program: str, *words: str) -> None:
    done = subprocess.run([str(binaries() / program), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
