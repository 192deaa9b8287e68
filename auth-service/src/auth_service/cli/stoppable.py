"""A long run of a command: it goes on while the database is away for a while, and ends when it is asked to, between two steps."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from auth_service.backoff import Backoff
from auth_service.errors import DatabaseUnavailable

STOPPED: Final = 128
"""Exit code of a run that was asked to stop before its end: plus the number of the signal, as a shell says it."""

_DATABASE_SECONDS: Final = 60.0
"""How long the database may be away before the run gives up; the next one goes on."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Stoppable:
    """Listens to SIGTERM and SIGINT from `listen` on."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self.signal = 0

    def listen(self) -> None:
        """From now on a signal ends the run after the step in hand."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopping.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits; says whether it was asked to end meanwhile."""
        return self._stopping.wait(seconds)

    def insist(self, ask: Callable[[], T]) -> T:
        """Asks the database again while it is away; only for what may be repeated.

        Raises:
            DatabaseUnavailable: it was away for too long, or the run was asked to end.
        """
        backoff, until = Backoff(first=0.2, longest=5.0), time.monotonic() + _DATABASE_SECONDS
        while True:
            try:
                return ask()
            except DatabaseUnavailable as error:
                log.warning("database_unavailable", error=type(error.__cause__).__name__)
                if self._stopping.wait(backoff.next()) or time.monotonic() >= until:
                    raise

    def _stop(self, number: int, _frame: object) -> None:
        self.signal = number
        self._stopping.set()
