"""PostgreSQL's own log: whatever goes wrong in a session, it shows no statement and no row."""

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import extensions

from postern_local.database import SILENT
from postern_local.readiness import database_answers
from support.database import Database
from support.eventually import eventually
from support.infra import REPOSITORY, Infra

ADDRESS = "canary.Zk3v@example.com"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$canaryZk3vSalt$canaryZk3vHash"
INSERT = """INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)
    VALUES (gen_random_uuid(), %s, lower(%s), %s, 'en', now())"""
VALUES = (ADDRESS, ADDRESS, HASH)


def connect(url: str) -> extensions.connection:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


@pytest.fixture
def session(auth_database: Database) -> Iterator[extensions.connection]:
    """As the service, where an account with the canary's address is there already."""
    with closing(connect(auth_database.url)) as opened:
        opened.cursor().execute(INSERT, VALUES)
        yield opened


class Log:
    """What was written since."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._from = path.stat().st_size

    def text(self) -> str:
        with self._path.open("rb") as file:
            file.seek(self._from)
            return file.read().decode()

    def wait_for(self, message: str) -> str:
        eventually(lambda: message in self.text(), within=10)
        return self.text()


@pytest.fixture
def log(infra: Infra, auth_database: Database) -> Log:
    """From the moment before something goes wrong."""
    del auth_database
    return Log(infra.postgres.log)


def shows(text: str) -> list[str]:
    """What of the statements and their values the log tells."""
    return re.findall(
        r"canary|argon2|STATEMENT:|DETAIL:|CONTEXT:|QUERY:|parameters|INSERT|accounts \(",
        text,
        flags=re.IGNORECASE,
    )


def test_a_lock_not_had_in_time(auth_database: Database, session: extensions.connection, log: Log) -> None:
    with closing(psycopg2.connect(auth_database.admin_url)) as other:
        other.cursor().execute("LOCK accounts")
        session.cursor().execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            session.cursor().execute(INSERT, VALUES)
    assert shows(log.wait_for("canceling statement due to lock timeout")) == []


def test_a_lock_waited_for_longer_than_a_deadlock_takes_to_be_noticed(
    auth_database: Database, session: extensions.connection, log: Log
) -> None:
    with closing(psycopg2.connect(auth_database.admin_url)) as other:
        other.cursor().execute("LOCK accounts")
        session.cursor().execute("SET lock_timeout = '1500ms'")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            session.cursor().execute(INSERT, VALUES)
    written = log.wait_for("canceling statement due to lock timeout")
    assert "still waiting" not in written
    assert shows(written) == []


def test_a_statement_that_takes_too_long(session: extensions.connection, log: Log) -> None:
    session.cursor().execute("SET statement_timeout = '50ms'")
    with pytest.raises(psycopg2.errors.QueryCanceled):
        session.cursor().execute("SELECT pg_sleep(5), %s", (ADDRESS,))
    assert shows(log.wait_for("canceling statement due to statement timeout")) == []


def test_a_row_that_is_there_already(session: extensions.connection, log: Log) -> None:
    with pytest.raises(psycopg2.errors.UniqueViolation, match=r"canary\.zk3v"):
        session.cursor().execute(INSERT, VALUES)
    assert shows(log.wait_for("duplicate key value")) == []


def test_a_row_that_breaks_a_rule(session: extensions.connection, log: Log) -> None:
    with pytest.raises(psycopg2.errors.NotNullViolation, match="Failing row contains"):
        session.cursor().execute("UPDATE accounts SET locale = NULL WHERE email = %s", (ADDRESS,))
    assert shows(log.wait_for("violates not-null constraint")) == []


def test_a_statement_that_makes_no_sense(session: extensions.connection, log: Log) -> None:
    with pytest.raises(psycopg2.errors.UndefinedColumn):
        session.cursor().execute("SELECT nothing FROM accounts WHERE email = %s", (ADDRESS,))
    assert shows(log.wait_for("does not exist")) == []


def test_two_that_wait_for_each_other(
    auth_database: Database, session: extensions.connection, log: Log
) -> None:
    change = "UPDATE accounts SET locale = 'vi' WHERE email = %s"
    second = "second." + ADDRESS
    session.cursor().execute(INSERT, (second, second, HASH))
    with (
        closing(psycopg2.connect(auth_database.url)) as one,
        closing(psycopg2.connect(auth_database.url)) as two,
    ):
        one.cursor().execute(change, (ADDRESS,))
        two.cursor().execute(change, (second,))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(one.cursor().execute, change, (second,))
            failures = 0
            try:
                two.cursor().execute(change, (ADDRESS,))
            except psycopg2.errors.DeadlockDetected:
                failures += 1
                two.rollback()
            try:
                waiting.result(timeout=10)
            except psycopg2.errors.DeadlockDetected:
                failures += 1
    assert failures == 1
    assert shows(log.wait_for("deadlock detected")) == []


def test_without_terse_the_row_would_be_shown(
    auth_database: Database, session: extensions.connection, log: Log
) -> None:
    with closing(connect(auth_database.admin_url)) as superuser:
        superuser.cursor().execute("SET log_error_verbosity = 'default'")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            superuser.cursor().execute(INSERT, VALUES)
    written = log.wait_for("DETAIL:")
    assert ADDRESS.lower() in written
    assert "STATEMENT" not in written
    del session


@pytest.mark.parametrize("role", ["auth", "mailer", "migrator"])
def test_the_roles_bring_these_settings_to_any_server(infra: Infra, role: str) -> None:
    database = "mailer" if role == "mailer" else "auth"
    url = infra.cluster.url(user=role, password=infra.database_passwords[role], database=database)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE source = 'user'")
        assert dict(cursor.fetchall()) == SILENT


def test_compose_gives_its_server_the_same_settings() -> None:
    compose = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    assert dict(re.findall(r"^      - -c(log_\w+)=(\S+)$", compose, flags=re.MULTILINE)) == SILENT


def test_a_session_that_is_killed(infra: Infra, auth_database: Database, log: Log) -> None:
    with closing(connect(auth_database.url)) as victim, ThreadPoolExecutor(1) as pool:
        pid = victim.info.backend_pid
        running = pool.submit(victim.cursor().execute, "SELECT pg_sleep(60), %s", (ADDRESS,))
        with closing(connect(auth_database.admin_url)) as superuser, superuser.cursor() as cursor:

            def runs() -> bool:
                cursor.execute(
                    "SELECT query LIKE %s FROM pg_stat_activity WHERE pid = %s", ("%pg_sleep%", pid)
                )
                return cursor.fetchone() == (True,)

            eventually(runs, within=10)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(psycopg2.OperationalError):
            running.result(timeout=30)
    eventually(lambda: database_answers(infra.postgres_admin_url), within=30)
    assert shows(log.wait_for("was terminated by signal 9")) == []
