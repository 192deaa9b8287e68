"""④ What ends a relay's waiting: a committed row, a word from the broker, the end of the poll, a request to stop.

NOTIFY only shortens the wait. A lost notification, or a lost connection to listen on, costs one poll interval.
"""

from __future__ import annotations

import os
import select
import time
from types import FrameType
from typing import Any, Final

import psycopg2
import structlog
from sqlalchemy import make_url

from auth_service.outbox.message import WAKE_UP_CHANNEL
from service_runtime.database.deadline import BoundedConnection

log = structlog.get_logger(__name__)

_RECONNECT_SECONDS: Final = 5.0


class StopRequest:
    """A request to stop that also wakes up whoever waits; made by a signal handler."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self.made = False

    def make(self, _signal: int | None = None, _frame: FrameType | None = None) -> None:
        """Asks to stop; may be installed as a signal handler, may be called twice."""
        self.made = True
        os.write(self._write, b"\0")

    def fileno(self) -> int:
        """Readable once the request is made."""
        return self._read

    def wait(self, seconds: float) -> None:
        """Waits that long, or until the request is made."""
        select.select([self], [], [], max(0.0, seconds))


class Listener:
    """A database connection of its own that hears the notifications of committed outbox rows."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Any = None
        self._retry_at = 0.0

    def ensure(self) -> bool:
        """Connects if there is no connection and the last trial is some seconds ago.

        Returns:
            Whether it has just begun to listen, so that rows may have been committed unheard.
        """
        if self._connection is not None or time.monotonic() < self._retry_at:
            return False
        try:
            self._connection = psycopg2.connect(
                self._url, connection_factory=BoundedConnection, application_name="auth-relay-listener"
            )
            self._connection.autocommit = True
            with self._connection.cursor() as cursor:
                cursor.execute(f"LISTEN {WAKE_UP_CHANNEL}")
        except psycopg2.Error as error:
            self._lose(error)
            return False
        return True

    def fileno(self) -> int | None:
        """The socket to wait on, if there is one."""
        if self._connection is None or self._connection.closed:
            self.close()
            return None
        return int(self._connection.fileno())

    def take(self) -> None:
        """Forgets the notifications that have arrived; they say nothing but "look"."""
        if self._connection is None:
            return
        try:
            self._connection.poll()
            self._connection.notifies.clear()
        except psycopg2.Error as error:
            self._lose(error)

    def close(self) -> None:
        """Stops listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _lose(self, error: psycopg2.Error) -> None:
        log.warning("listener_lost", error=type(error).__name__)
        self.close()
        self._retry_at = time.monotonic() + _RECONNECT_SECONDS


class Wakeup:
    """Waits for any reason to look at the outbox again."""

    def __init__(self, *, listener: Listener, stop: StopRequest) -> None:
        self._listener = listener
        self._stop = stop

    def wait(self, broker: int, *, seconds: float) -> None:
        """Returns at the first of: notification, data from the broker, request to stop, end of the time.

        Args:
            broker: the file descriptor of the broker's socket.
            seconds: the poll interval.
        """
        if self._listener.ensure():
            return
        sources = [self._stop.fileno(), broker]
        listening = self._listener.fileno()
        if listening is not None:
            sources.append(listening)
        ready, _, _ = select.select(sources, [], [], seconds)
        if listening in ready:
            self._listener.take()
