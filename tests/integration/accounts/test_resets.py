"""② A new password by a letter's link: once, whatever happens at the same time, and everybody else is out."""

from datetime import timedelta

import argon2
import pytest

from mail_contract.letters import LetterName
from support.auth_api import PASSWORD, AuthApi
from support.person import somebody
from support.signed_in import add_account

EMAIL = "linh@example.com"
NEW = "four rivers in the rain"
CONFIRM = "/v1/password-resets/confirm"


def reset_link(api: AuthApi, email: str = EMAIL) -> str:
    assert api.post("/v1/password-resets", {"email": email}).status_code == 202
    return api.last_letter().link_token


def reset(api: AuthApi, token: str, password: str = NEW) -> tuple[int, str]:
    answer = api.post(CONFIRM, {"token": token, "password": password})
    return answer.status_code, "" if answer.status_code == 204 else answer.get_json()["code"]


def is_password(api: AuthApi, password: str) -> bool:
    ((hashed,),) = api.sql("SELECT password_hash FROM accounts")
    try:
        return argon2.PasswordHasher().verify(hashed, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


def test_a_reset_sets_the_password_and_tells(api: AuthApi) -> None:
    add_account(api, EMAIL)
    assert reset(api, reset_link(api)) == (204, "")
    assert is_password(api, NEW)
    letter = api.last_letter()
    assert letter.envelope.header.letter is LetterName.PASSWORD_CHANGED
    assert (letter.contents.recipient, letter.contents.decoy) == (EMAIL, False)
    assert letter.contents.context["reset"] == "https://accounts.example.com/forgot"
    ((account,),) = api.sql("SELECT id::text FROM accounts")
    told = "SELECT actor, target, result FROM audit_events WHERE action = 'password_reset'"
    assert api.sql(told) == [(f"account:{account}", account, "done")]


def test_an_account_without_a_password_gets_its_first_one(api: AuthApi) -> None:
    add_account(api, EMAIL)
    api.sql("UPDATE accounts SET password_hash = NULL")
    assert reset(api, reset_link(api)) == (204, "")
    assert is_password(api, NEW)


def test_a_reset_ends_sessions_changes_of_address_and_every_other_way_in(api: AuthApi) -> None:
    linh = somebody(api, EMAIL)
    assert linh.call("POST", "/v1/account/email", {"email": "new@example.com"}).status_code == 202
    confirm = api.last_letter().link_token
    others = [reset_link(api), reset_link(api)]
    api.post("/v1/sign-in-links", {"email": EMAIL})
    sign_in = api.last_letter()
    assert reset(api, others[0]) == (204, "")

    assert not linh.is_open
    assert api.sql("SELECT ended_for FROM sessions") == [("password_reset",)]
    assert reset(api, others[1]) == (410, "void_link")
    by_link = api.post("/v1/sign-in-links/confirm", {"token": sign_in.link_token})
    assert (by_link.status_code, by_link.get_json()["code"]) == (410, "void_link")
    by_code = api.post("/v1/sign-in-links/confirm", {"email": EMAIL, "code": sign_in.code})
    assert by_code.status_code == 400
    assert api.post("/v1/email-changes/confirm", {"token": confirm}).get_json()["code"] == "void_link"
    assert api.sql("SELECT ended_at IS NOT NULL FROM email_changes") == [(True,)]
    withdrawn = api.sql("SELECT letter FROM letters WHERE withdrawn_at IS NOT NULL ORDER BY letter")
    assert withdrawn == [("confirm_email",), *[("reset_password",)] * 2, ("sign_in_link",)]


@pytest.mark.parametrize(
    ("password", "flaw"),
    [("short", "too_short"), ("linh@example.com example", "guessable"), ("x" * 257, "too_long")],
)
def test_the_policy_holds_with_the_words_of_the_links_address(api: AuthApi, password: str, flaw: str) -> None:
    add_account(api, EMAIL)
    token = reset_link(api)
    answer = api.post(CONFIRM, {"token": token, "password": password})
    assert [(e["pointer"], e["code"]) for e in answer.get_json()["errors"]] == [("#/password", flaw)]
    assert reset(api, token) == (204, "")


def test_the_same_request_again_gets_the_same_answer_for_ten_minutes_and_does_nothing(api: AuthApi) -> None:
    add_account(api, EMAIL)
    token = reset_link(api)
    for _ in range(3):
        assert reset(api, token) == (204, "")
    assert reset(api, token, "another one than before") == (410, "used_link")
    assert api.sql("SELECT count(*) FROM letters WHERE letter = 'password_changed'") == [(1,)]
    api.sql("UPDATE one_time_tokens SET used_at = used_at - interval '11 min'")
    assert reset(api, token) == (410, "used_link")


def test_a_link_is_good_for_half_an_hour(api: AuthApi) -> None:
    add_account(api, EMAIL)
    token = reset_link(api)
    assert api.sql(
        "SELECT expires_at - created_at FROM one_time_tokens WHERE purpose = 'reset_password'"
    ) == [(timedelta(minutes=30),)]
    api.sql("UPDATE one_time_tokens SET created_at = created_at - interval '1 h', expires_at = now()")
    assert reset(api, token) == (410, "expired_link")


def test_a_link_is_good_for_nothing_else(api: AuthApi) -> None:
    add_account(api, EMAIL)
    token = reset_link(api)
    for path in ("/v1/sign-in-links/confirm", "/v1/email-changes/confirm", "/v1/email-changes/revert"):
        assert api.post(path, {"token": token}).get_json()["code"] == "unknown_link"
    registration = api.register("other@example.com")
    verify = api.last_letter().link_token
    assert registration.secret
    assert reset(api, verify) == (400, "unknown_link")


@pytest.mark.parametrize("standing", ["decoy", "disabled", "nobody's"])
def test_a_link_of_nobodys_opens_nothing(api: AuthApi, standing: str) -> None:
    add_account(api, EMAIL)
    token = reset_link(api, EMAIL if standing == "disabled" else "unknown@example.com")
    if standing == "disabled":
        api.sql("UPDATE accounts SET disabled_at = now()")
    if standing == "nobody's":
        token = "x" * 43
    assert reset(api, token) == (400, "unknown_link")
    assert is_password(api, PASSWORD)


def test_of_fifty_posts_of_one_link_at_once_one_resets_and_all_are_answered_alike(api: AuthApi) -> None:
    add_account(api, EMAIL)
    token = reset_link(api)
    answers = api.insist([(CONFIRM, {"token": token, "password": NEW})] * 50)
    assert {answer.status_code for answer in answers} == {204}
    assert api.sql("SELECT count(*) FROM letters WHERE letter = 'password_changed'") == [(1,)]
    assert api.sql("SELECT count(*) FROM audit_events WHERE action = 'password_reset'") == [(1,)]


def test_of_several_passwords_chosen_with_as_many_links_at_once_one_wins(api: AuthApi) -> None:
    add_account(api, EMAIL)
    calls = [(CONFIRM, {"token": reset_link(api), "password": f"{NEW} {n}"}) for n in range(8)]
    answers = api.insist(calls)
    assert sorted(answer.status_code for answer in answers) == [204] + [410] * 7
    winner = next(call[1]["password"] for call, a in zip(calls, answers, strict=True) if a.status_code == 204)
    assert is_password(api, winner)


def test_a_link_or_code_is_good_only_while_the_account_has_the_mailbox_it_was_sent_to(api: AuthApi) -> None:
    """Also where nothing voided it: another process may have written it while the address was changed."""
    add_account(api, EMAIL)
    link = reset_link(api)
    api.post("/v1/sign-in-links", {"email": EMAIL})
    letter = api.last_letter()
    api.sql("UPDATE accounts SET email = 'new@example.com', canonical_email = 'new@example.com'")
    assert reset(api, link) == (410, "void_link")
    by_link = api.post("/v1/sign-in-links/confirm", {"token": letter.link_token})
    assert (by_link.status_code, by_link.get_json()["code"]) == (410, "void_link")
    by_code = {"email": "new@example.com", "code": letter.code}
    assert api.post("/v1/sign-in-links/confirm", by_code).status_code == 400
    api.sql("UPDATE accounts SET email = %s, canonical_email = %s", EMAIL, EMAIL)
    assert reset(api, link) == (204, "")
