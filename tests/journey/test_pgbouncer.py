"""Both services with PgBouncer between them and PostgreSQL, in session mode."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import Engine, text

from service_runtime.database.engine import build_engine
from support.broker import VirtualHost
from support.database import Database
from support.people import Gate, Mailbox, addresses
from support.pgbouncer import PooledDatabase, pgbouncer
from support.service_programs import ServiceEnvironment
from support.services import services_at

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone")


@pytest.fixture
def pooled(auth_database: Database, mailer_database: Database) -> Iterator[list[PooledDatabase]]:
    """The databases of both services behind one PgBouncer."""
    with pgbouncer(auth_database, mailer_database) as both:
        yield both


def test_somebody_registers_and_confirms_the_address(
    broker: VirtualHost, pooled: list[PooledDatabase], service_keys: Path, tmp_path: Path
) -> None:
    auth, mailer = pooled
    environment = ServiceEnvironment(
        directory=tmp_path, keys=service_keys, broker=broker, auth_database=auth, mailer_database=mailer
    )
    (address,) = addresses(1)
    with services_at(environment) as services:
        services.start_journey()
        services.wait_until_ready(within=60)
        with Gate(services.api) as gate, Mailbox(services.inbox) as mailbox:
            receipt = gate.register(address)
            gate.wait_until(receipt, "sent", within=30)
            assert len(mailbox.wait_for(address)) == 1


def limits(engine: Engine) -> tuple[str, ...]:
    with engine.connect() as connection:
        found = tuple(connection.scalar(text(f"SHOW {name}")) for name in LIMITS)
        connection.rollback()
        return found


@pytest.mark.parametrize("service", ["auth", "mailer"])
def test_a_session_has_its_limits_also_after_a_rollback_and_leaves_none_to_the_next(
    pooled: list[PooledDatabase], service: str
) -> None:
    (database,) = (each for each in pooled if each.service == service)
    engine = build_engine(database.url, application="test", connections=1, autocommit=service == "mailer")
    first = limits(engine)
    assert "0" not in first
    assert first[-1] == "UTC"
    assert limits(engine) == first
    engine.dispose()
    with closing(psycopg2.connect(database.url)) as plain, plain.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
