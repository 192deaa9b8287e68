"""The API answers within its deadline whatever state the database is in, and recovers by itself."""

import time
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, AuthApi
from support.database import Database
from support.eventually import eventually

DEADLINE_SECONDS = 7.0  # 2 for a turn to hash, 1 for a connection, 3 for the transaction, and the machine's noise


@pytest.fixture
def api(auth_database: Database) -> Iterator[AuthApi]:
    api = AuthApi.on(auth_database.url)
    api.register("before@example.com")
    yield api
    auth_database.infra.postgres.thaw()
    auth_database.infra.ensure_postgres()


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
    yield api.get("/readyz")


def registered(api: AuthApi) -> bool:
    body = {"email": "after@example.com", "password": PASSWORD}
    return api.post("/v1/registrations", body).status_code == 202


def test_with_the_database_stopped_every_call_is_refused_in_time(api: AuthApi, auth_database: Database) -> None:
    auth_database.infra.kill_postgres()
    started = time.monotonic()
    for answer in calls(api):
        assert_refused_in_time(answer, started)
        started = time.monotonic()
    assert api.get("/healthz").status_code == 200
    assert "auth_database_up 0.0" in api.get("/metrics").text
    auth_database.infra.start_postgres()
    eventually(lambda: registered(api))
    assert api.get("/readyz").status_code == 200


def test_with_the_database_frozen_every_call_is_refused_in_time(api: AuthApi, auth_database: Database) -> None:
    backends = [pid for (pid,) in api.sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")]
    freeze(auth_database, backends)
    try:
        started = time.monotonic()
        for answer in calls(api):
            assert_refused_in_time(answer, started)
            started = time.monotonic()
    finally:
        thaw(auth_database, backends)
    eventually(lambda: registered(api), within=20)


def test_with_all_connections_taken_a_call_is_refused_in_time(api: AuthApi) -> None:
    blocked = "SELECT pg_advisory_lock(1), pg_sleep(0)"
    assert api.sql(blocked)
    api.sql("ALTER TABLE accounts RENAME TO accounts_away")
    try:
        answer = api.post("/v1/registrations", {"email": "linh@example.com", "password": PASSWORD})
        assert answer.status_code == 500
        assert answer.get_json()["title"] == "Something went wrong on our side."
        assert "accounts" not in answer.text
    finally:
        api.sql("ALTER TABLE accounts_away RENAME TO accounts")
