"""What a test wants to know about how its mailer connects: how many, how many at once, how many letters on each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

CONNECTIONS_REMEMBERED = 1000


@dataclass(slots=True, kw_only=True)
class Connection:
    """One SMTP connection.

    Attributes:
        number: counted from 1; a reset does not start again, so a number names one connection.
        opened_at: UTC.
        closed_at: UTC; None while it is open.
        messages: how many messages were kept from it.
    """

    number: int
    opened_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    closed_at: datetime | None = None
    messages: int = 0


class Connections:
    """Counts connections and remembers the newest ones."""

    def __init__(self) -> None:
        self._open: dict[int, Connection] = {}
        self._remembered: deque[Connection] = deque(maxlen=CONNECTIONS_REMEMBERED)
        self._number = 0
        self._opened = 0
        self._most_open = 0

    @property
    def opened(self) -> int:
        """How many were opened."""
        return self._opened

    @property
    def open_now(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def most_open(self) -> int:
        """How many were open at the same time, at most."""
        return self._most_open

    def newest_first(self) -> list[Connection]:
        """Returns the remembered connections."""
        return list(reversed(self._remembered))

    def open(self) -> Connection:
        """Records a new connection."""
        self._number += 1
        self._opened += 1
        connection = Connection(number=self._number)
        self._open[connection.number] = connection
        self._remembered.append(connection)
        self._most_open = max(self._most_open, len(self._open))
        return connection

    def close(self, connection: Connection) -> None:
        """Records its end; a second time changes nothing."""
        if self._open.pop(connection.number, None) is not None:
            connection.closed_at = datetime.now(UTC)

    def reset(self) -> None:
        """Counts from zero again; connections still open are kept in the list, with no messages yet."""
        self._opened = 0
        self._most_open = len(self._open)
        self._remembered.clear()
        for connection in self._open.values():
            connection.messages = 0
            self._remembered.append(connection)
