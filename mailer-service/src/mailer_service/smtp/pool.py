"""Connections kept open between letters: opening one costs five round trips and, with TLS, milliseconds of CPU.

At most one connection for each thread exists, for a thread has one letter at a time. The last one used is the next one
taken, so that a quiet hour leaves few open; those left idle are closed when the next letter comes by.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from mailer_service.smtp.connection import Connection

OpenConnection = Callable[[float], Connection]
"""Opens one, given a deadline; raises ConversationFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """When a connection is not used again. Postfix hangs up after 300 s, under stress after 10 s.

    Attributes:
        idle_seconds: unused for longer than that: closed.
        ask_after_seconds: unused for longer than that: asked by NOOP first.
        age_seconds: open for longer than that: closed, so that a change in DNS is followed.
        letters: carried more than that: closed, for servers that count.
    """

    idle_seconds: float = 60.0
    ask_after_seconds: float = 8.0
    age_seconds: float = 300.0
    letters: int = 200


class ConnectionPool:
    """Lends connections to threads."""

    def __init__(self, open_connection: OpenConnection, limits: PoolLimits | None = None) -> None:
        self._open = open_connection
        self._limits = limits or PoolLimits()
        self._idle: deque[Connection] = deque()
        self._lock = Lock()

    @contextmanager
    def borrow(self, *, deadline: float, fresh: bool = False) -> Iterator[Connection]:
        """Lends a connection, a kept one where one is fit; takes it back if it still is.

        Args:
            deadline: monotonic seconds.
            fresh: always open a new one.

        Raises:
            ConversationFailed: none could be opened.
        """
        connection = None if fresh else self._fit(deadline)
        if connection is None:
            connection = self._open(deadline)
        try:
            yield connection
        except BaseException:
            if connection.usable:
                self._give_back(connection)
            raise
        else:
            self._give_back(connection)

    def close(self) -> None:
        """Closes every idle connection."""
        self.trim(keep=0)

    def trim(self, *, keep: int) -> None:
        """Closes the connections idle for too long, and of the others those longest idle until `keep` are left."""
        oldest = time.monotonic() - self._limits.idle_seconds
        with self._lock:
            going = []
            while self._idle and (len(self._idle) > keep or self._idle[0].used_at < oldest):
                going.append(self._idle.popleft())
        for connection in going:
            connection.close()

    def __len__(self) -> int:
        """How many are idle."""
        return len(self._idle)

    def _fit(self, deadline: float) -> Connection | None:
        while (connection := self._take()) is not None:
            if self._is_fit(connection, deadline):
                return connection
            connection.close()
        return None

    def _is_fit(self, connection: Connection, deadline: float) -> bool:
        now, limits = time.monotonic(), self._limits
        idle = now - connection.used_at
        if (
            idle > limits.idle_seconds
            or now - connection.opened_at > limits.age_seconds
            or connection.letters >= limits.letters
            or not connection.looks_alive()
        ):
            return False
        return idle <= limits.ask_after_seconds or connection.answers(deadline=deadline)

    def _give_back(self, connection: Connection) -> None:
        if not connection.usable:
            connection.close()
            return
        connection.used_at = now = time.monotonic()
        with self._lock:
            self._idle.append(connection)
            stale = []
            while now - self._idle[0].used_at > self._limits.idle_seconds:
                stale.append(self._idle.popleft())
        for old in stale:
            old.close()

    def _take(self) -> Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None
