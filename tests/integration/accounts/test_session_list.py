"""A person's sessions: shown, ended one by one or all, and proved again."""

from uuid import uuid4

import pytest

from auth_service.flows.manage_sessions import PAGE
from mail_contract.letters import LetterName
from support.auth_api import PASSWORD, PUBLIC_URL, AuthApi
from support.signed_in import CURRENT, REAUTHENTICATE, SESSIONS, SignedIn, add_account, sign_in
from support.tokens import part

LINH = "linh@example.com"


@pytest.fixture
def linh(api: AuthApi) -> SignedIn:
    add_account(api, LINH)
    return sign_in(api, LINH)


def test_sessions_are_listed_newest_first_with_all_that_is_known_of_them(
    api: AuthApi, linh: SignedIn
) -> None:
    sign_in(api, LINH, User_Agent="curl/8")
    body = linh.call("GET", SESSIONS).get_json()
    assert [entry["current"] for entry in body["sessions"]] == [False, True]
    assert [entry["device"] for entry in body["sessions"]] == ["", "Firefox on Linux"]
    assert {entry["ip"] for entry in body["sessions"]} == {"127.0.0.1"}
    for entry in body["sessions"]:
        assert entry.keys() == {
            "id",
            "created_at",
            "last_used_at",
            "expires_at",
            "current",
            "client_id",
            "amr",
            "device",
            "ip",
        }
    assert "next" not in body


def test_many_sessions_are_read_page_by_page_each_once(api: AuthApi, linh: SignedIn) -> None:
    api.sql(
        "INSERT INTO sessions (id, account_id, client_id, amr, auth_time, idle_until, expires_at)"
        " SELECT gen_random_uuid(), account_id, client_id, amr, auth_time, idle_until, expires_at"
        " FROM sessions, generate_series(1, %s)",
        2 * PAGE,
    )
    seen, path = [], SESSIONS
    while path:
        body = linh.call("GET", path).get_json()
        seen += [entry["id"] for entry in body["sessions"]]
        path = f"{SESSIONS}?after={body['next']}" if "next" in body else ""
    assert len(seen) == len(set(seen)) == 2 * PAGE + 1
    assert linh.call("GET", f"{SESSIONS}?after=x").status_code == 422
    assert linh.call("GET", f"{SESSIONS}?after={uuid4()}").get_json() == {"sessions": []}


def test_a_session_is_ended_at_once_and_ending_it_again_is_harmless(api: AuthApi, linh: SignedIn) -> None:
    other = sign_in(api, LINH)
    other_id = part(other.access_token, 1)["sid"]
    for _ in range(2):
        assert linh.call("DELETE", f"{SESSIONS}/{other_id}").status_code == 204
    assert not other.is_open
    assert other.refresh().status_code == 401
    assert linh.is_open
    assert api.sql("SELECT action FROM audit_events WHERE action <> 'sign_in'") == [("session_revoke",)]


def test_nobody_sees_or_ends_a_session_of_somebody_else(api: AuthApi, linh: SignedIn) -> None:
    add_account(api, "minh@example.com")
    minh = sign_in(api, "minh@example.com")
    minhs = part(minh.access_token, 1)["sid"]
    for unknown in (minhs, str(uuid4()), "x"):
        answer = linh.call("DELETE", f"{SESSIONS}/{unknown}")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_session")
    assert minh.is_open
    assert len(linh.call("GET", SESSIONS).get_json()["sessions"]) == 1
    assert linh.call("GET", f"{SESSIONS}?after={minhs}").get_json() == {"sessions": []}
    assert linh.call("DELETE", SESSIONS).status_code == 204
    assert minh.is_open


def test_a_person_signs_out_here_everywhere_else_or_everywhere(api: AuthApi, linh: SignedIn) -> None:
    second, third = sign_in(api, LINH), sign_in(api, LINH)
    assert third.call("DELETE", CURRENT).status_code == 204
    assert [each.is_open for each in (linh, second, third)] == [True, True, False]
    assert linh.call("DELETE", f"{SESSIONS}?except=others").status_code == 422
    assert linh.call("DELETE", f"{SESSIONS}?except=current").status_code == 204
    assert [each.is_open for each in (linh, second)] == [True, False]
    assert linh.call("DELETE", SESSIONS).status_code == 204
    assert not linh.is_open


def test_a_device_not_seen_before_is_told_of_by_a_letter_and_the_first_and_known_ones_are_not(
    api: AuthApi, linh: SignedIn
) -> None:
    sign_in(api, LINH)
    assert api.letters() == []
    linh.call("DELETE", SESSIONS)
    sign_in(api, LINH, User_Agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1")
    sign_in(api, LINH)
    (letter,) = api.letters()
    assert letter.envelope.header.letter == LetterName.NEW_SIGN_IN
    assert letter.contents.recipient == LINH
    context = letter.contents.context
    assert (context["device"], context["place"]) == ("Safari on iPhone", "127.0.0.1")
    assert context["sessions"] == f"{PUBLIC_URL}/account"
    add_account(api, "minh@example.com")
    sign_in(api, "minh@example.com", User_Agent="curl/8")
    assert len(api.letters()) == 1


def test_proving_it_again_makes_the_sign_in_recent_and_the_session_goes_on(
    api: AuthApi, linh: SignedIn
) -> None:
    api.sql("UPDATE sessions SET auth_time = now() - interval '1 hour', amr = '{otp}'")
    answer = linh.call("POST", REAUTHENTICATE, {"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    claims = part(answer.get_json()["access_token"], 1)
    assert claims["sid"] == part(linh.access_token, 1)["sid"]
    assert claims["amr"] == ["otp", "pwd"]
    assert api.sql("SELECT now() - auth_time < interval '1 minute' FROM sessions") == [(True,)]
    assert answer.get_json().keys() == {"access_token", "token_type", "expires_in"}
    assert linh.call("POST", REAUTHENTICATE, {"password": PASSWORD}).status_code == 200


def test_proving_it_with_a_wrong_password_or_where_there_is_none_changes_nothing(
    api: AuthApi, linh: SignedIn
) -> None:
    api.sql("UPDATE sessions SET auth_time = now() - interval '1 hour'")
    wrong = linh.call("POST", REAUTHENTICATE, {"password": f"not {PASSWORD}"})
    api.sql("UPDATE accounts SET password_hash = NULL")
    none = linh.call("POST", REAUTHENTICATE, {"password": PASSWORD})
    assert [answer.get_json()["code"] for answer in (wrong, none)] == ["wrong_password"] * 2
    assert {answer.status_code for answer in (wrong, none)} == {403}
    assert api.sql("SELECT now() - auth_time > interval '59 minutes' FROM sessions") == [(True,)]
    assert (
        api.sql("SELECT action, result FROM audit_events ORDER BY id")[1:]
        == [("reauthenticate", "refused")] * 2
    )
    assert linh.is_open
