"""The connection to a service's database: bounded in number and in time, whatever state the server is in.

A server that is away refuses at once; a frozen one keeps its sockets open and says nothing, and then neither
`statement_timeout` nor TCP keepalives help. So the client itself gives up waiting: `deadline.py`.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from psycopg2 import extensions
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import Session, sessionmaker

from service_runtime.database.deadline import BoundedConnection, bound_every_wait

_CONNECT_SECONDS = 2
_STATEMENT_MILLISECONDS = 4_000
_POOL_WAIT_SECONDS = 2.0
_SESSION = (
    "SET lock_timeout = 3000",
    "SET idle_in_transaction_session_timeout = 15000",
    "SET timezone = 'UTC'",
    # The locks of a client whose machine vanished are free when the server finds out: 11 s with these.
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 3",
)
"""Milliseconds, and seconds for the keepalives."""
_SOCKET = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""Seconds, and milliseconds for the last."""


def build_engine(
    url: str,
    *,
    application: str,
    connections: int = 5,
    overflow: int = 5,
    statement_limit: bool = True,
    autocommit: bool = False,
) -> Engine:
    """Returns an engine that never waits without bound.

    Args:
        url: `postgresql://…`; the driver is chosen here.
        application: shown in `pg_stat_activity`.
        connections: kept open.
        overflow: opened beyond that under load; more callers wait two seconds at most, then get
            `sqlalchemy.exc.TimeoutError`.
        statement_limit: off for migrations, which may take as long as they need.
        autocommit: whether every statement is a transaction of its own.
    """
    bound_every_wait()
    limits = [*_SESSION]
    if statement_limit:
        limits.append(f"SET statement_timeout = {_STATEMENT_MILLISECONDS}")
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        isolation_level="AUTOCOMMIT" if autocommit else None,
        pool_size=connections,
        max_overflow=overflow,
        pool_timeout=_POOL_WAIT_SECONDS,
        connect_args={
            "application_name": application,
            "connect_timeout": _CONNECT_SECONDS,
            "connection_factory": BoundedConnection if statement_limit else None,
            **_SOCKET,
        },
    )
    event.listen(engine, "connect", partial(_begin_session, "; ".join(limits)))
    event.listen(engine, "checkout", _refuse_ended)
    return engine


def _begin_session(limits: str, connection: extensions.connection, *_: object) -> None:
    """Sets limits that last as long as the connection.

    Said in SQL, not as the `options` of a start-up packet: PgBouncer refuses those. In its session mode the connection to
    the server is ours until we end ours, and it forgets the settings before it is anybody else's.
    """
    with connection.cursor() as cursor:
        cursor.execute(limits)
    connection.commit()  # a rollback would take them back


def _refuse_ended(connection: extensions.connection, *_: object) -> None:
    """Lets the pool replace connections that ended while they lay idle, as after a restart of the server.

    An idle connection has nothing to say, so what can be read from it is its end. Asking the server instead, as
    `pool_pre_ping` does, would cost every request a round trip.
    """
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    if poller.poll(0):
        raise InvalidatePoolError


def build_sessions(engine: Engine) -> sessionmaker[Session]:
    """Returns the maker of sessions; a flow owns one session and one transaction: `with sessions.begin() as session`."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def translated(unavailable: Callable[[str], Exception]) -> Iterator[None]:
    """Raises a package's own error where the database cannot be reached, is frozen, overloaded, or a lock is not to be had.

    A mistake of the program stays what it is: waiting would not mend it.

    Args:
        unavailable: makes the error of the name of the driver's one, which quotes nothing.
    """
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except (DBAPIError, PoolExhausted) as error:
        cause = getattr(error, "orig", None) or error
        raise unavailable(type(cause).__name__) from error
