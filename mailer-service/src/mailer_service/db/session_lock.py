"""A replica's sign of life: an advisory lock that the database holds for as long as the replica's session lives.

A killed process takes its sockets along, so its lock is free at once and its letters need not wait for the end of
their lease. A frozen one keeps its lock: its letters wait for the lease. The session must be a real one; a pooler that
shares sessions between clients (PgBouncer in transaction mode) would break this.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from mailer_service.errors import LedgerUnavailable

log = structlog.get_logger(__name__)

_CHECK_SECONDS = 2.0


class SessionLock:
    """Keeps the lock in a thread of its own, and takes it again whenever the database was away.

    Attributes:
        key: of the lock; new with every start, so that a successor is never taken for its predecessor.
        epoch: grows with every session; locks taken in an earlier one are lost.
    """

    def __init__(self, engine: Engine) -> None:
        self.key = secrets.randbits(62)
        self.epoch = 0
        self._engine = engine
        self._leaving = threading.Event()
        self._arrived = threading.Event()
        self._held = False
        self._session: Connection | None = None
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name="session-lock", daemon=True)

    @property
    def sign(self) -> int | None:
        """The key while the lock is known to be held, else None: then only the lease protects a claim."""
        return self.key if self._held else None

    def arrive(self, *, patience: float = 5.0) -> None:
        """Starts holding the lock; waits for it up to `patience` seconds, then goes on without."""
        self._thread.start()
        self._arrived.wait(patience)

    @property
    def ended(self) -> bool:
        """Whether its thread has ended, though nobody asked it to."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def leave(self) -> None:
        """Gives the lock back."""
        self._leaving.set()
        self._thread.join(timeout=5.0)

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Lends the session for locks that shall live as long as the replica; to one thread at a time, and for little.

        Raises:
            LedgerUnavailable: there is none at the moment, or it broke.
        """
        with self._turn:
            session = self._session
            if session is None:
                raise LedgerUnavailable("no session")
            try:
                yield session
            except SQLAlchemyError as error:
                # Whether the connection is gone or only a statement took too long: the thread takes a new one.
                self._held = False
                self._session = None
                session.invalidate()
                raise LedgerUnavailable(type(error).__name__) from error

    def _keep(self) -> None:
        while not self._leaving.is_set():
            try:
                self._hold()
            except SQLAlchemyError as error:
                log.warning("session_lock_lost", error=type(error).__name__)
                self._leaving.wait(_CHECK_SECONDS / 4)

    def _hold(self) -> None:
        with self._engine.connect() as connection:
            try:
                connection.execute(select(func.pg_advisory_lock(self.key)))
                self._held = True
                self.epoch += 1
                self._session = connection
                self._arrived.set()
                while not self._leaving.wait(_CHECK_SECONDS):
                    with self._turn:
                        connection.execute(select(1))
            finally:
                self._held = False
                with self._turn:
                    self._session = None
                # Ends the session, and with it every lock; back in the pool it would keep them.
                connection.invalidate()
