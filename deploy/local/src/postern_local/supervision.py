"""supervisord as our process manager: started here, spoken to over its private socket."""

import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from postern_local.directory import StateDirectory
from postern_local.errors import StepFailed, SupervisorGone
from postern_local.private import make_private, short_name
from postern_local.program import Program, inherited
from postern_local.supervisor_config import remove_program, write_daemon, write_program

SOCKET_PATH_LIMIT = 100
"""Bytes; the kernel's limit for the address of a Unix socket is 108."""

STOPPED = frozenset({"STOPPED", "EXITED", "FATAL"})
FAILED = frozenset({"BACKOFF", "EXITED", "FATAL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramState:
    """What supervisord knows of a program.

    Attributes:
        name: of the program.
        state: supervisord's word, such as RUNNING or BACKOFF.
        pid: of the process; None while there is none.
    """

    name: str
    state: str
    pid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """The supervisord of one state directory; every call opens a connection of its own.

    Calls raise SupervisorGone where no supervisord answers, StepFailed where it refuses.
    """

    state: StateDirectory

    @property
    def socket(self) -> Path:
        """Its control socket; elsewhere in a private directory where the path would be too long."""
        usual = self.state.run / "supervisor.sock"
        if len(str(usual).encode()) <= SOCKET_PATH_LIMIT:
            return usual
        return Path(tempfile.gettempdir()) / short_name(self.state.root) / "supervisor.sock"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start supervisord, away from the terminal's signals: those are for the runner to obey, in order."""
        if self.socket.parent != self.state.run:
            make_private(self.socket.parent)
        configuration = write_daemon(self.state, socket=self.socket)
        with (self.state.logs / "supervisord.out").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
                env=inherited(),
                cwd=self.state.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_up(self) -> bool:
        """Whether it takes orders."""
        try:
            with self._calls() as calls:
                return bool(calls.getState()["statename"] == "RUNNING")
        except SupervisorGone:
            return False

    def add(self, programs: Iterable[Program]) -> None:
        """Make programs known, without starting them."""
        names = []
        for program in programs:
            write_program(self.state, program)
            names.append(program.name)
        with self._calls() as calls:
            calls.reloadConfig()
            for name in names:
                calls.addProcessGroup(name)

    def start(self, names: Iterable[str]) -> None:
        """Start programs without waiting for them."""
        with self._calls() as calls:
            for name in names:
                calls.startProcess(name, False)

    def states(self) -> list[ProgramState]:
        """All programs."""
        with self._calls() as calls:
            found = cast("list[dict[str, Any]]", calls.getAllProcessInfo())
        return [
            ProgramState(name=entry["name"], state=entry["statename"], pid=entry["pid"] or None)
            for entry in found
        ]

    def is_running(self, name: str) -> bool:
        """Whether a program has stayed up for a moment."""
        return any(entry.name == name and entry.state == "RUNNING" for entry in self.states())

    def stop(self, names: Iterable[str]) -> None:
        """Stop programs side by side and wait until each is gone; supervisord kills what overstays."""
        waiting = set(names)
        with self._calls() as calls:
            for entry in self.states():
                if entry.name in waiting and entry.state not in STOPPED:
                    calls.stopProcess(entry.name, False)
        while any(entry.name in waiting and entry.state not in STOPPED for entry in self.states()):
            time.sleep(0.05)

    def remove(self, names: Iterable[str]) -> None:
        """Stop programs and forget them."""
        names = list(names)
        self.stop(names)
        for name in names:
            remove_program(self.state, name)
        with self._calls() as calls:
            calls.reloadConfig()
            for name in names:
                calls.removeProcessGroup(name)

    def shut_down(self) -> None:
        """End supervisord itself, and with it what still runs."""
        with self._calls() as calls:
            calls.shutdown()

    @contextmanager
    def _calls(self) -> Iterator[Any]:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.socket}")
        try:
            yield xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
        except (OSError, HTTPException) as error:
            raise SupervisorGone(str(error)) from error
        except xmlrpc.client.Fault as fault:
            raise StepFailed(f"supervisord: {fault.faultString}") from fault
        finally:
            transport.close()
