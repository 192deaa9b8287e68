"""A replica's sign of life: an advisory lock that the database holds for as long as the replica's session lives.

A killed process takes its sockets along, so its lock is free at once and its letters need not wait for the end of
their lease. A frozen one keeps its lock: its letters wait for the lease. The session must be a real one; a pooler that
shares sessions between clients (PgBouncer in transaction mode) would break this.
"""

from __future__ import annotations

import secrets
import threading

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger(__name__)

_CHECK_SECONDS = 2.0


class Presence:
    """Keeps the lock in a thread of its own, and takes it again whenever the database was away.

    Attributes:
        key: of the lock; new with every start, so that a successor is never taken for its predecessor.
    """

    def __init__(self, engine: Engine) -> None:
        self.key = secrets.randbits(62)
        self._engine = engine
        self._leaving = threading.Event()
        self._arrived = threading.Event()
        self._held = False
        self._thread = threading.Thread(target=self._stay, name="presence", daemon=True)

    @property
    def sign(self) -> int | None:
        """The key while the lock is known to be held, else None: then only the lease protects a claim."""
        return self.key if self._held else None

    def arrive(self, *, patience: float = 5.0) -> None:
        """Starts holding the lock; waits for it up to `patience` seconds, then goes on without."""
        self._thread.start()
        self._arrived.wait(patience)

    def leave(self) -> None:
        """Gives the lock back."""
        self._leaving.set()
        self._thread.join(timeout=5.0)

    def _stay(self) -> None:
        while not self._leaving.is_set():
            try:
                self._hold()
            except SQLAlchemyError as error:
                self._held = False
                log.warning("presence_lost", error=type(error).__name__)
                self._leaving.wait(_CHECK_SECONDS / 4)

    def _hold(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(select(func.pg_advisory_lock(self.key)))
            self._held = True
            self._arrived.set()
            while not self._leaving.wait(_CHECK_SECONDS):
                connection.execute(select(1))
            self._held = False
            connection.execute(select(func.pg_advisory_unlock(self.key)))
