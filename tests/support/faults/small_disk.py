"""A disk that is full when a test wants it: a small tmpfs that takes the databases; needs root."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg2 import sql

from postern_local.database import server_user
from support.database import Database, execute
from support.infra import Infra

MEGABYTES = 64
_BLOCK = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallDisk:
    """Where it is mounted."""

    directory: Path

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.directory / "filler").open("ab", buffering=0) as filler:
            for block in (_BLOCK, 512):
                try:
                    while True:
                        filler.write(b"\0" * block)
                except OSError:
                    continue

    def make_room(self) -> None:
        """Take the filler away."""
        (self.directory / "filler").unlink()


@contextmanager
def small_disk(infra: Infra, *, databases: Sequence[Database]) -> Iterator[SmallDisk]:
    """Move these databases, which nobody uses yet, to a small disk until the end of the block.

    Raises:
        AssertionError: not started as root.
    """
    assert os.geteuid() == 0, "only root can mount a small disk: run this row as root"
    directory = Path(tempfile.mkdtemp(prefix="postern-small-disk-", dir="/var/tmp"))
    owner = server_user()
    assert owner
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "postern-small-disk", str(directory)]
    subprocess.run(command, check=True)
    space = sql.Identifier(f"small_{directory.name[-8:].lower()}")
    home = directory / "space"
    try:
        home.mkdir()
        for path in (directory, home):
            path.chmod(0o700)
            shutil.chown(path, user=owner)
        execute(infra, sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(space, sql.Literal(str(home))))
        for database in databases:
            _move(infra, database, space)
        yield SmallDisk(directory=directory)
    finally:
        (directory / "filler").unlink(missing_ok=True)
        for database in databases:
            _move(infra, database, sql.Identifier("pg_default"))
        execute(infra, sql.SQL("DROP TABLESPACE {}").format(space))
        subprocess.run(["umount", str(directory)], check=True)
        directory.rmdir()


def _move(infra: Infra, database: Database, space: sql.Identifier) -> None:
    name = sql.Identifier(database.name)
    ending = sql.SQL("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}")
    admit = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    execute(
        infra,
        admit.format(name, sql.SQL("false")),
        ending.format(sql.Literal(database.name)),
        sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(name, space),
        admit.format(name, sql.SQL("true")),
    )
