"""Waiting for the database, bounded on the client's side; also against a server that is frozen but connected.

psycopg2 lets one function do all its waiting (`set_wait_callback`). Ours gives up when the connection's patience or
the caller's deadline has run out; psycopg2 then drops the connection, and SQLAlchemy its pool. The outcome of a COMMIT
interrupted so is unknown, as it is when a connection breaks: the flows are safe to repeat.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import psycopg2
from psycopg2 import extensions

_expires_at: ContextVar[float | None] = ContextVar("database_deadline", default=None)


class BoundedConnection(extensions.connection):
    """A connection that waits for one answer no longer than its patience, in seconds."""

    patience: ClassVar[float] = 6.0


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """All waiting for the database inside the block together takes no longer than `seconds`.

    Beyond it the statement in flight raises `psycopg2.OperationalError` (through SQLAlchemy: `OperationalError`).
    """
    token = _expires_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _expires_at.reset(token)


def bound_every_wait() -> None:
    """Makes psycopg2 wait through this module, in the whole process. Harmless when repeated."""
    extensions.set_wait_callback(_wait)


def _wait(connection: Any) -> None:
    give_up_at = _give_up_at(connection)
    poll = connection.poll
    while True:
        state = poll()
        if state == extensions.POLL_OK:
            return
        event = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        remaining = None if give_up_at is None else max(0.0, give_up_at - time.monotonic())
        poller = select.poll()
        poller.register(connection.fileno(), event)
        if not poller.poll(None if remaining is None else remaining * 1000) and remaining == 0.0:
            raise psycopg2.OperationalError("the database did not answer in time")


def _give_up_at(connection: Any) -> float | None:
    now = time.monotonic()
    limits = [
        limit
        for limit in (
            now + connection.patience if isinstance(connection, BoundedConnection) else None,
            _expires_at.get(),
        )
        if limit is not None
    ]
    return min(limits, default=None)
