"""A connection kept for the next question: to open one, with its SCRAM, costs both ends more than most answers."""

from collections.abc import Callable
from threading import Lock
from typing import Any

import psycopg2


class KeptConnection:
    """Asks one database, each statement in its own transaction; a connection lost since the last one is replaced."""

    def __init__(self, url: str, *, rows: Callable[..., Any] | None = None) -> None:
        """`rows` is the kind of cursor, tuples if not given."""
        self._url = url
        self._rows = rows
        self._connection: Any = None
        self._lock = Lock()

    def ask(self, statement: str, *values: Any) -> list[Any]:
        """The rows of the answer, none where there are none to be had."""
        with self._lock:
            kept = self._connection is not None
            try:
                return self._ask(statement, values)
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self.close()
                if not kept:
                    raise
            return self._ask(statement, values)

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        if self._connection is None:
            self._connection = psycopg2.connect(self._url, application_name="test")
            self._connection.autocommit = True
        with self._connection.cursor(cursor_factory=self._rows) as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []
