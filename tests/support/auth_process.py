"""A process of auth-service that a test starts, kills, freezes and listens to."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.eventually import eventually
from support.nursery import Child, fork

COMMAND = Path(sys.executable).parent / "auth-service"


@dataclass(slots=True, kw_only=True)
class AuthProcess:
    """One running `auth-service …`, its log in a file."""

    process: Child
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """What it has logged so far; with `name`, the events of that name."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in events if name is None or event["event"] == name]

    def await_event(self, name: str, *, within: float = 15.0) -> dict[str, Any]:
        """Wait until it has logged an event of that name; give back the latest."""
        return eventually(lambda: self.events(name), within=within)[-1]

    def kill(self) -> None:
        """As a power failure would."""
        self.process.kill()
        self.process.wait(timeout=10)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self, *, within: float = 15.0) -> int:
        """Ask it to stop; give back its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=within)


@contextmanager
def auth_process(command: str, settings: Mapping[str, str], log: Path) -> Iterator[AuthProcess]:
    """Run `auth-service <command>` until the end of the block."""
    process = fork(
        [str(COMMAND), command],
        environment={"PATH": os.environ["PATH"], **settings},
        log=log,
        directory=log.parent,
    )
    running = AuthProcess(process=process, log=log)
    try:
        yield running
    finally:
        if running.is_running:
            running.thaw()
            running.kill()
