"""PgBouncer as Debian packages it, in front of the tests' PostgreSQL."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postern_local.database import server_user
from postern_local.ports import LOOPBACK, any_ports
from postern_local.program import Program
from postern_local.readiness import database_answers, wait_for
from support.database import Database
from support.infra import Server

PROGRAM = "/usr/sbin/pgbouncer"
SETTINGS = """[databases]
{databases}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = session
default_pool_size = 60
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledDatabase(Database):
    """A database whose service enters it through PgBouncer; its owner and the superuser do not."""

    port: int

    @property
    def url(self) -> str:
        """As the service."""
        password = self.infra.database_passwords[self.service]
        return f"postgresql://{self.service}:{password}@{LOOPBACK}:{self.port}/{self.name}"


@contextmanager
def pgbouncer(*databases: Database) -> Iterator[list[PooledDatabase]]:
    """Yields the databases as they are through PgBouncer in session mode."""
    port = any_ports({})["postgres"]
    pooled = [
        PooledDatabase(infra=database.infra, name=database.name, service=database.service, port=port)
        for database in databases
    ]
    # It refuses to run as root, and PostgreSQL's user reaches this place wherever a test's own directory is.
    home = databases[0].infra.cluster.place.resolve()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-", dir=home) as name:
        directory = Path(name)
        users, settings = directory / "users.txt", directory / "pgbouncer.ini"
        users.write_text(
            "".join(f'"{each.service}" "{each.infra.database_passwords[each.service]}"\n' for each in pooled)
        )
        settings.write_text(
            SETTINGS.format(
                databases="\n".join(
                    f"{each.name} = host={LOOPBACK} port={each.infra.cluster.port}" for each in pooled
                ),
                host=LOOPBACK,
                port=port,
                users=users,
            )
        )
        owner = server_user()
        if owner is not None:
            for path in (directory, users, settings):
                shutil.chown(path, user=owner)
        command = (PROGRAM, str(settings))
        program = Program(name="pgbouncer", command=command, directory=directory, user=owner)
        server = Server(program=program, log=directory / "pgbouncer.log")
        server.start()
        try:
            wait_for("PgBouncer", lambda: all(database_answers(each.url) for each in pooled), seconds=10)
            yield pooled
        finally:
            server.stop()
