"""The connection to the database: bounded in number and in time, whatever state the server is in.

A server that is away refuses at once; a frozen one keeps its sockets open and says nothing, and then neither
`statement_timeout` nor TCP keepalives help. So the client itself gives up waiting: `store/deadline.py`.
"""

from __future__ import annotations

import select

from psycopg2 import extensions
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session, sessionmaker

from auth_service.store.deadline import BoundedConnection, bound_every_wait

_CONNECT_SECONDS = 2
_STATEMENT_MILLISECONDS = 4_000
_LOCK_MILLISECONDS = 3_000
_IDLE_IN_TRANSACTION_MILLISECONDS = 15_000
_POOL_WAIT_SECONDS = 2.0


def build_engine(
    url: str, *, application: str, connections: int = 5, overflow: int = 5, statement_limit: bool = True
) -> Engine:
    """Returns an engine that never waits without bound.

    Args:
        url: `postgresql://…`; the driver is chosen here.
        application: shown in `pg_stat_activity`.
        connections: kept open.
        overflow: opened beyond that under load; more callers wait two seconds at most, then get
            `sqlalchemy.exc.TimeoutError`.
        statement_limit: off for migrations, which may take as long as they need.
    """
    bound_every_wait()
    options = [
        f"lock_timeout={_LOCK_MILLISECONDS}",
        f"idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_MILLISECONDS}",
        "timezone=UTC",
    ]
    if statement_limit:
        options.append(f"statement_timeout={_STATEMENT_MILLISECONDS}")
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=connections,
        max_overflow=overflow,
        pool_timeout=_POOL_WAIT_SECONDS,
        connect_args={
            "application_name": application,
            "connect_timeout": _CONNECT_SECONDS,
            "options": " ".join(f"-c {option}" for option in options),
            "connection_factory": BoundedConnection if statement_limit else None,
        },
    )
    event.listen(engine, "checkout", _refuse_ended)
    return engine


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
