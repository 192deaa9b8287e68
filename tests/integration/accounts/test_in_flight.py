"""② A change that was proved and waits for its turn does not survive the reset that was to stop it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, AuthApi
from support.database import Database
from support.eventually import eventually
from support.person import somebody
from support.signed_in import hash_of

EMAIL, NEW = "linh@example.com", "four rivers in the rain"
CHANGES = {
    "password": ("PUT", "/v1/account/password", {"current_password": PASSWORD, "password": NEW}),
    "deletion": ("POST", "/v1/account/deletion", {"password": PASSWORD}),
    "address": ("POST", "/v1/account/email", {"email": "new@example.com"}),
    "confirmation": ("POST", "/v1/email-changes/confirm", {}),
    "confirmation by password": ("POST", "/v1/email-changes/confirm", {"password": PASSWORD}),
}
RESET = "UPDATE accounts SET password_hash = %s"
ALL_OUT = "UPDATE sessions SET ended_at = now(), ended_for = 'password_reset'"
WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE NOT granted AND datname = current_database()
"""
STATE = "SELECT email, password_hash FROM accounts UNION ALL SELECT 'letters', count(*)::text FROM letters"


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_proved_before_a_reset_changes_nothing_after_it(
    api: AuthApi, auth_database: Database, change: str
) -> None:
    person = somebody(api, EMAIL)
    method, path, body = CHANGES[change]
    if change.startswith("confirmation"):
        assert person.call("POST", "/v1/account/email", {"email": "new@example.com"}).status_code == 202
        body = {**body, "token": api.last_letter().link_token}

    def call() -> TestResponse:
        if change == "confirmation by password":
            return api.post(path, body)
        return person.call(method, path, body)

    with (
        closing(psycopg2.connect(auth_database.migrator_url)) as resetting,
        ThreadPoolExecutor(1) as pool,
        resetting.cursor() as cursor,
    ):
        cursor.execute(RESET, (hash_of("a password chosen by the reset"),))
        answer = pool.submit(call)
        eventually(lambda: api.sql(WAITING) == [(1,)])
        cursor.execute(ALL_OUT)
        resetting.commit()
        before = api.sql(STATE)
        refused = answer.result()
    by_password = change == "confirmation by password"
    assert refused.get_json()["code"] == ("wrong_password" if by_password else "not_signed_in")
    assert api.sql(STATE) == before
