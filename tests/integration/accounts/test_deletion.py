"""② An account is deleted: at once, for good, and nothing that is kept leads to its person."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from mail_contract.letters import LetterName
from support.auth_api import PASSWORD, AuthApi
from support.person import account_of, long_ago, sign_in_by_letter, somebody
from support.signed_in import SignedIn, add_account, sign_in

EMAIL = "linh@example.com"


def delete(person: SignedIn, **body: str) -> TestResponse:
    return person.call("POST", "/v1/account/deletion", body)


def whole_database(api: AuthApi) -> str:
    """Every row of every table as text."""
    tables = api.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [api.sql(f"SELECT t::text FROM {table} t") for (table,) in tables]
    return "\n".join(str(row) for found in rows for (row,) in found)


def test_deletion_asks_for_the_password(api: AuthApi) -> None:
    person = somebody(api, EMAIL)
    assert delete(person).get_json()["code"] == "current_password_needed"
    assert delete(person, password="not the right one").get_json()["code"] == "wrong_password"
    assert person.is_open
    assert delete(person, password=PASSWORD).status_code == 204
    assert not person.is_open


def test_without_a_password_it_asks_for_a_recent_sign_in(api: AuthApi) -> None:
    add_account(api, EMAIL)
    api.sql("UPDATE accounts SET password_hash = NULL")
    person = sign_in_by_letter(api, EMAIL)
    long_ago(api)
    assert delete(person).get_json()["code"] == "recent_sign_in_needed"
    assert delete(sign_in_by_letter(api, EMAIL)).status_code == 204
    assert api.count("accounts") == 0


def test_nothing_is_left_that_leads_to_the_person_but_a_pseudonym_in_the_audit(api: AuthApi) -> None:
    api.post("/v1/sessions", {"email": EMAIL, "password": PASSWORD})
    api.register(EMAIL, "a stranger's password")
    api.verify(EMAIL)
    person = sign_in(api, EMAIL)
    ((account,),) = api.sql("SELECT id::text FROM accounts")
    ((tag,),) = api.sql("SELECT DISTINCT recipient_tag FROM registrations")
    person.call("POST", "/v1/account/email", {"email": "linh.tran@example.org"})
    ((new_tag,),) = api.sql("SELECT recipient_tag FROM email_changes")
    api.post("/v1/password-resets", {"email": EMAIL})
    assert delete(person, password=PASSWORD).status_code == 204

    kept = whole_database(api)
    assert "linh@" not in kept
    assert "linh.tran" not in kept
    assert tag not in kept
    assert new_tag not in kept
    for table in ("accounts", "sessions", "refresh_tokens", "email_changes", "registrations"):
        assert api.count(table) == 0
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE account_id IS NOT NULL") == [(0,)]
    deleted = "SELECT actor, target, result FROM audit_events WHERE action = 'account_delete'"
    assert api.sql(deleted) == [(f"account:{account}", account, "done")]
    assert api.sql("SELECT count(*) FROM audit_events WHERE target <> %s", account) == [(0,)]


def test_unsent_letters_are_withdrawn_also_those_on_the_broker(api: AuthApi) -> None:
    person = somebody(api, EMAIL)
    api.post("/v1/sign-in-links", {"email": EMAIL})
    on_the_broker = api.last_letter().envelope.header.id
    api.sql("DELETE FROM outbox WHERE letter_id = %s", str(on_the_broker))
    api.post("/v1/sign-in-links", {"email": EMAIL})
    waiting = api.last_letter().envelope.header.id
    assert delete(person, password=PASSWORD).status_code == 204
    withdrawn = {
        payload["letter_id"]: payload["reason"]
        for (payload,) in api.sql("SELECT payload FROM outbox WHERE kind = 'cancellation'")
    }
    assert withdrawn[str(on_the_broker)] == withdrawn[str(waiting)] == "account_deleted"
    assert [letter.envelope.header.letter for letter in api.letters()] == [LetterName.ACCOUNT_DELETED]
    assert api.sql("SELECT state FROM letters WHERE id = %s", str(waiting)) == [("superseded",)]


def cancelled_for(api: AuthApi) -> dict[str, set[str]]:
    """Why the mailer is told to cancel letters, by letter."""
    told: dict[str, set[str]] = {}
    for (payload,) in api.sql("SELECT payload FROM outbox WHERE kind = 'cancellation'"):
        told.setdefault(payload["letter_id"], set()).add(payload["reason"])
    return told


@pytest.mark.parametrize("state", ["sent", "failed", "unconfirmed", "expired", "superseded", "suppressed"])
def test_the_mailer_is_told_of_every_letter_that_left_whatever_became_of_it(api: AuthApi, state: str) -> None:
    person = somebody(api, EMAIL)
    api.post("/v1/sign-in-links", {"email": EMAIL})
    letter = str(api.last_letter().envelope.header.id)
    api.sql("DELETE FROM outbox")
    api.sql("UPDATE letters SET state = %s, withdrawn_at = now(), withdrawn_for = 'superseded'", state)
    assert delete(person, password=PASSWORD).status_code == 204
    assert cancelled_for(api) == {letter: {"account_deleted"}}


def test_a_former_address_is_forgotten_as_far_as_it_was_the_account_s(api: AuthApi) -> None:
    new = "linh.tran@example.org"
    api.post("/v1/sessions", {"email": EMAIL, "password": PASSWORD})
    api.verify(EMAIL)
    ((tag,),) = api.sql("SELECT DISTINCT recipient_tag FROM registrations")
    person = sign_in(api, EMAIL)
    person.call("POST", "/v1/account/email", {"email": new})
    confirmation = {"token": api.last_letter().link_token, "password": PASSWORD}
    assert api.post("/v1/email-changes/confirm", confirmation).status_code == 200
    later = api.register(EMAIL, "somebody who wants it now")
    assert delete(person, password=PASSWORD).status_code == 204

    assert api.sql("SELECT canonical_email FROM registrations") == [(EMAIL,)]
    assert api.sql("SELECT count(*) FROM letters WHERE recipient_tag = %s", tag) == [(1,)]
    assert api.sql("SELECT count(*) FROM audit_events WHERE target = %s", tag) == [(0,)]
    assert api.receipt(later.receipt)["state"] == "accepted"
    assert new not in whole_database(api)


def test_the_person_is_told_and_may_come_back_as_somebody_new(api: AuthApi) -> None:
    person = somebody(api, EMAIL)
    ((before,),) = api.sql("SELECT id FROM accounts")
    assert delete(person, password=PASSWORD).status_code == 204
    letter = api.last_letter()
    assert (letter.contents.recipient, letter.contents.decoy) == (EMAIL, False)
    assert account_of(somebody(api, EMAIL))["id"] != str(before)


def test_whatever_happens_at_the_same_time_is_answered(api: AuthApi) -> None:
    person = somebody(api, EMAIL)
    api.post("/v1/password-resets", {"email": EMAIL})
    reset = {"token": api.last_letter().link_token, "password": "four rivers in the rain"}
    calls = [
        ("/v1/password-resets/confirm", reset),
        *[("/v1/password-resets", {"email": EMAIL})] * 6,
        *[("/v1/registrations", {"email": EMAIL, "password": f"{PASSWORD} {n}"}) for n in range(3)],
    ]
    with ThreadPoolExecutor(1) as pool:
        gone = pool.submit(delete, person, password=PASSWORD)
        answers = api.insist(calls)
    # Where the reset came first the session has ended.
    assert gone.result().status_code in {204, 401, 403}
    assert {answer.status_code for answer in answers} <= {202, 204, 400}
