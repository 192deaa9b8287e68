"""The API answers within its deadline whatever state the database is in, and recovers by itself."""

import time
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, AuthApi
from support.database import Database
from support.eventually import eventually
from support.freezing import frozen

DEADLINE_SECONDS = (
    7.0  # 2 for a turn to hash, 1 for a connection, 3 for the transaction, and the machine's noise
)


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    api = AuthApi.on(auth_database.url)
    api.register("before@example.com")
    return api


def assert_refused_in_time(answer: TestResponse, started: float) -> None:
    assert time.monotonic() - started < DEADLINE_SECONDS
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1


def calls(api: AuthApi) -> Iterator[TestResponse]:
    yield api.post("/v1/registrations", {"email": "linh@example.com", "password": PASSWORD})
    yield api.post("/v1/registrations/resend", {"email": "linh@example.com"})
    yield api.post("/v1/verifications", {"token": "x"})
    yield api.post("/v1/verifications", {"email": "linh@example.com", "code": "00000000"})
    yield api.get(f"/v1/receipts/{'x' * 43}")
    yield api.get_ops("/readyz")


def registered(api: AuthApi) -> bool:
    body = {"email": "after@example.com", "password": PASSWORD}
    return api.post("/v1/registrations", body).status_code == 202


def test_with_the_database_stopped_every_call_is_refused_in_time(
    api: AuthApi, auth_database: Database
) -> None:
    auth_database.infra.kill_postgres()
    started = time.monotonic()
    for answer in calls(api):
        assert_refused_in_time(answer, started)
        started = time.monotonic()
    assert api.get("/healthz").status_code == 200
    assert "auth_database_up 0.0" in api.get_ops("/metrics").text
    auth_database.infra.start_postgres()
    eventually(lambda: registered(api))
    assert api.get_ops("/readyz").status_code == 200


@pytest.mark.slow
def test_with_the_database_frozen_every_call_is_refused_in_time(
    api: AuthApi, auth_database: Database
) -> None:
    with frozen([auth_database.infra.postgres_pid]):
        started = time.monotonic()
        for answer in calls(api):
            assert_refused_in_time(answer, started)
            started = time.monotonic()
    eventually(lambda: registered(api), within=20)


def test_a_table_locked_by_somebody_else_is_not_waited_for_beyond_the_deadline(
    api: AuthApi, auth_database: Database
) -> None:
    with closing(psycopg2.connect(auth_database.url)) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE registrations IN EXCLUSIVE MODE")
        started = time.monotonic()
        answer = api.post("/v1/registrations", {"email": "linh@example.com", "password": PASSWORD})
        assert_refused_in_time(answer, started)


def test_an_unforeseen_error_says_nothing_of_its_cause(api: AuthApi, auth_database: Database) -> None:
    with closing(psycopg2.connect(auth_database.migrator_url)) as owner, owner, owner.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts DROP COLUMN locale")
    answer = api.post("/v1/registrations", {"email": "linh@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
    assert answer.content_type == "application/problem+json"
    for word in ("column", "locale", "sqlalchemy", "Traceback", "linh"):
        assert word not in answer.text


def test_without_migrations_the_api_is_alive_but_not_ready(api: AuthApi, auth_database: Database) -> None:
    with closing(psycopg2.connect(auth_database.migrator_url)) as owner, owner, owner.cursor() as cursor:
        cursor.execute("DROP TABLE alembic_version")
    answer = api.get_ops("/readyz")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "migrations_not_ready")
    assert api.get("/healthz").status_code == 200


def test_a_database_that_a_newer_release_has_migrated_is_ready(api: AuthApi, auth_database: Database) -> None:
    with closing(psycopg2.connect(auth_database.migrator_url)) as owner, owner, owner.cursor() as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = 'from the future'")
    assert api.get_ops("/readyz").status_code == 200
