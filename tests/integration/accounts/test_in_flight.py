"""② A change that was proved and waits for its turn does not survive the reset that was to stop it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, AuthApi, api_settings
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


def test_the_way_back_waits_for_what_is_sent_to_the_address_the_account_has_now(
    api: AuthApi, auth_database: Database
) -> None:
    """A reset that the account's present mailbox is sent meanwhile would open it after the way back."""
    person, now = somebody(api, EMAIL), "third@example.com"
    for address in ("second@example.com", now):
        person.call("POST", "/v1/account/email", {"email": address})
        person.call("POST", "/v1/email-changes/confirm", {"token": api.last_letter().link_token})
    first = next(
        letter.contents.context["revert"].split("#token=")[1]
        for letter in api.letters()
        if "revert" in letter.contents.context
    )
    tag = api_settings(auth_database.url).keyed_hash().recipient_tag(now)
    with (
        closing(psycopg2.connect(auth_database.migrator_url)) as sending,
        ThreadPoolExecutor(1) as pool,
        sending.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (tag,))
        answer = pool.submit(api.post, "/v1/email-changes/revert", {"token": first})
        eventually(lambda: api.sql(WAITING) == [(1,)])
        sending.commit()
        assert answer.result().get_json() == {"email": EMAIL}
