"""The connection to the ledger's database: bounded in number, and never left waiting by a network that went silent."""

from __future__ import annotations

from psycopg2 import extensions
from sqlalchemy import URL, Engine, create_engine, event, make_url

_CONNECT_SECONDS = 3
_LIMITS = "; ".join(
    f"SET {setting}"
    for setting in (
        "statement_timeout = 5000",
        "lock_timeout = 3000",
        "idle_in_transaction_session_timeout = 15000",
        "timezone = 'UTC'",
        # A replica whose machine vanished keeps its advisory lock until the server finds out: 11 s with these.
        "tcp_keepalives_idle = 5",
        "tcp_keepalives_interval = 2",
        "tcp_keepalives_count = 3",
    )
)
"""Said in SQL, not as the `options` of a start-up packet: PgBouncer refuses those. They last as long as the connection."""
_SOCKET_OPTIONS = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def database_url(url: str) -> URL:
    """Returns the URL with the driver chosen here."""
    return make_url(url).set(drivername="postgresql+psycopg2")


def build_engine(url: str, *, application: str, connections: int) -> Engine:
    """Returns an engine in autocommit mode: every step of the ledger is one statement.

    Args:
        url: `postgresql://…`.
        application: shown in `pg_stat_activity`.
        connections: kept open; two more are opened when these are not enough.
    """
    engine = create_engine(
        database_url(url),
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=2,
        pool_timeout=5.0,
        connect_args={
            "application_name": application,
            "connect_timeout": _CONNECT_SECONDS,
            **_SOCKET_OPTIONS,
        },
    )
    event.listen(engine, "connect", _begin_session)
    return engine


def _begin_session(connection: extensions.connection, *_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS)
    connection.commit()  # a rollback would take them back
