"""Processes by pid and start time, so that a pid used again by a stranger is never taken for ours."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from postern_local.directory import write_private

CLOCK_STEP = 1.0
"""Seconds two readings of one process's start may differ: the kernel counts in hundredths since boot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """One process, for as long as it lives.

    Attributes:
        pid: its number.
        started: seconds since the epoch.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has `pid` now, if there is one."""
        try:
            return cls(pid=pid, started=psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def process(self) -> psutil.Process | None:
        """A handle to it, or None when it is gone."""
        try:
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.started) > CLOCK_STEP:
                return None
            return None if found.status() == psutil.STATUS_ZOMBIE else found
        except psutil.NoSuchProcess:
            return None


def record(path: Path, identities: Iterable[ProcessIdentity]) -> None:
    """Write down what was started, so that the next run can find what this one left behind."""
    write_private(path, json.dumps([asdict(identity) for identity in identities]) + "\n")


def recorded(path: Path) -> list[ProcessIdentity]:
    """What `record` wrote, in its order."""
    if not path.exists():
        return []
    return [ProcessIdentity(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


def end(identities: Sequence[ProcessIdentity], *, seconds: float) -> None:
    """Ask each to end (SIGTERM), wait together, then kill (SIGKILL) what is still there."""
    alive = [process for identity in identities if (process := identity.process()) is not None]
    for process in alive:
        _signal(process, kill=False)
    _, stubborn = psutil.wait_procs(alive, timeout=seconds)
    for process in stubborn:
        _signal(process, kill=True)
    psutil.wait_procs(stubborn, timeout=5)


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.resume()
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        pass
