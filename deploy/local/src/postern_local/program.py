"""One process of the stack: how it is started and how it is stopped, whoever supervises it."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
"""What a program may see of the environment it is started from; everything else it needs is written down in `environment`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command with everything around it.

    Attributes:
        name: unique in the stack; also the name of its log file.
        command: argument list; the process it becomes keeps the pid (no shell stays in between).
        environment: variables beside the `INHERITED` ones.
        directory: working directory.
        user: account to drop to, only when started as root.
        stop_signal: asks for an orderly end, such as "TERM".
        stop_seconds: patience after `stop_signal` before SIGKILL.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 10

    def overrides(self) -> dict[str, str]:
        """The complete environment the process is started with."""
        return {**inherited(), **self.environment}


def inherited() -> dict[str, str]:
    """The `INHERITED` variables that are set."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def as_user(user: str | None) -> list[str]:
    """The words before a command that make it run as `user`; none for our own account."""
    if user is None:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]


def launch(program: Program, *, log: Path) -> subprocess.Popen[bytes]:
    """Start `program` as a child that the kernel kills when its parent dies.

    Used where no supervisor stands in between (tests); `setpriv` is part of util-linux.

    Args:
        program: what to start.
        log: file that takes its output, appended to.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            # One setpriv for both: a later change of the user would clear the signal again.
            ["setpriv", "--pdeathsig=KILL", *(as_user(program.user)[1:] or ["--"]), *program.command],
            cwd=program.directory,
            env=program.overrides(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
