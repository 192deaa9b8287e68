"""The private PostgreSQL cluster: its data directory, its process, its roles and databases."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from postern_local.directory import write_private
from postern_local.errors import MissingPackage, StepFailed
from postern_local.orphaned_data import note_owner, sweep
from postern_local.ports import LOOPBACK
from postern_local.private import make_private, short_name
from postern_local.program import Program

VERSIONS = Path("/usr/lib/postgresql")
ELSEWHERE = Path("/var/tmp")  # noqa: S108  # only for a 0700 directory whose owner is checked; survives a reboot
ADMIN = "postern"
SILENT = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_lock_waits": "off",
}
"""Keeps rows and statements out of the server's log: addresses and password hashes travel in both.

Terse drops DETAIL, which quotes the row of a failed constraint and the statement of a session that was killed. The
same settings stand in docker-compose.yml, and `deploy/postgres/roles.sql` gives most of them to the roles.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCluster:
    """A PostgreSQL of our own, over TCP on loopback only, every login by SCRAM.

    Attributes:
        place: path in the state directory; a symbolic link to the data where PostgreSQL's user cannot reach it.
        port: where it listens.
        password: of the superuser `postern`.
        settings: more settings of postgresql.conf.
        lasting: whether the data is for other runs, too; that of a test is not.
    """

    place: Path
    port: int
    password: str
    settings: Mapping[str, str] = field(default_factory=dict)
    lasting: bool = True

    def url(self, *, user: str = ADMIN, password: str | None = None, database: str = "postgres") -> str:
        """Address of `database` for `user` (the superuser unless told otherwise)."""
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the cluster where there is none yet; takes about two seconds then.

        Raises:
            MissingPackage: no PostgreSQL server is installed.
            UnsafeDirectory: the directory for the data belongs to somebody else.
            StepFailed: initdb failed.
        """
        home = self._home()
        if self._data.exists():
            return
        draft = home / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        owner = server_user()
        password_file = home / "password"
        write_private(password_file, self.password + "\n")
        if owner is not None:
            shutil.chown(password_file, user=owner)
        command = [
            str(binaries() / "initdb"),
            f"--pgdata={draft}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        done = subprocess.run(
            command, cwd=home, user=owner, group=owner, capture_output=True, text=True, check=False
        )
        password_file.unlink()
        if done.returncode != 0:
            raise StepFailed(f"initdb: {done.stderr.strip()}")
        draft.rename(self._data)

    @property
    def _data(self) -> Path:
        return self.place.resolve() / "data"

    def program(self) -> Program:
        """The server; its pid is the postmaster's."""
        settings = {
            "port": str(self.port),
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "max_connections": "200",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            **SILENT,
            **self.settings,
        }
        options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        return Program(
            name="postgres",
            command=(str(binaries() / "postgres"), "-D", str(self._data), *options),
            directory=self._data,
            user=server_user(),
            stop_signal="INT",  # "fast": open sessions are ended, the data is flushed
            stop_seconds=20,
        )

    def _home(self) -> Path:
        if self.place.exists():
            return self.place.resolve()
        owner = server_user()
        if self.place.is_symlink():
            self.place.unlink()
        if owner is None or _others_can_reach(self.place.parent):
            make_private(self.place, owner=owner)
            return self.place
        sweep(ELSEWHERE)
        home = ELSEWHERE / short_name(self.place)
        self.place.symlink_to(home)
        make_private(home, owner=owner)
        note_owner(home, place=self.place, lasting=self.lasting)
        return home


def remove_data(place: Path) -> None:
    """Delete the data of a cluster, wherever it lies.

    Args:
        place: path in the state directory.
    """
    home = place.resolve()
    if place.is_symlink():
        place.unlink()
    shutil.rmtree(home, ignore_errors=True)


def binaries() -> Path:
    """Directory of the newest PostgreSQL server installed.

    Raises:
        MissingPackage: there is none.
    """
    found = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise MissingPackage("postgresql")
    return found[-1].parent


def server_user() -> str | None:
    """The account PostgreSQL drops to: its packaged one when we are root (it refuses root), else none."""
    return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None


def apply_roles(cluster: DatabaseCluster, *, script: Path, passwords: Mapping[str, str]) -> None:
    """Create or refresh the roles and databases by the SQL script that every deployment uses.

    Args:
        cluster: answers already.
        script: `deploy/postgres/roles.sql`.
        passwords: role name (`migrator`, `auth`, `mailer`) to password.

    Raises:
        StepFailed: psql reported an error.
    """
    environment = {
        **os.environ,
        "PGPASSWORD": cluster.password,
        **{f"POSTERN_{role.upper()}_DATABASE_PASSWORD": password for role, password in passwords.items()},
    }
    command = [
        str(binaries() / "psql"),
        "--no-psqlrc",
        "--quiet",
        f"--host={LOOPBACK}",
        f"--port={cluster.port}",
        f"--username={ADMIN}",
        "--dbname=postgres",
        f"--file={script}",
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailed(f"{script.name}: {done.stderr.strip()}")


def _others_can_reach(directory: Path) -> bool:
    """Whether any user may pass from the root of the file system into `directory`."""
    absolute = directory.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (absolute, *absolute.parents))
