"""The one way a flow touches the database: one transaction, bounded in time, its failures translated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc
from sqlalchemy.orm import Session, sessionmaker

from auth_service.errors import DatabaseUnavailable
from service_runtime.database.deadline import deadline


class Transactions:
    """Opens transactions that end in time.

    Args:
        sessions: where sessions come from.
        seconds: for all waiting inside one transaction, its COMMIT included.
    """

    def __init__(self, sessions: sessionmaker[Session], *, seconds: float = 3.0) -> None:
        self._sessions = sessions
        self._seconds = seconds

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Yields a session; commits at the end of the block, rolls back on any error.

        Raises:
            DatabaseUnavailable: away, frozen, overloaded, or a lock was not to be had. If it was COMMIT that was
                interrupted the outcome is unknown; every flow may be repeated.
        """
        try:
            with deadline(self._seconds), self._sessions.begin() as session:
                yield session
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
            raise DatabaseUnavailable from error
