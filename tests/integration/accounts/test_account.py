"""② What a signed-in person reads and changes of their account."""

import pytest
from werkzeug.test import TestResponse

from mail_contract.letters import LetterName
from support.auth_api import PASSWORD, AuthApi
from support.person import account_of, long_ago, sign_in_by_letter, somebody
from support.signed_in import SignedIn, add_account, sign_in

EMAIL = "Linh@example.com"
NEW = "four rivers in the rain"


def put_password(person: SignedIn, password: str = NEW, **more: str) -> tuple[int, str]:
    answer = person.call("PUT", "/v1/account/password", {"password": password, **more})
    return answer.status_code, "" if answer.status_code == 204 else answer.get_json()["code"]


def problem(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_an_account_is_read_by_its_person_only(api: AuthApi) -> None:
    person = somebody(api, EMAIL)
    account = account_of(person)
    ((id_,),) = api.sql("SELECT id::text FROM accounts")
    assert account.pop("verified_at")
    assert account == {"id": id_, "email": EMAIL, "locale": "en", "has_password": True}
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("GET", "/letters"),
        ("PUT", "/password"),
        ("POST", "/email"),
    ):
        call = api.app.test_client().open(f"/v1/account{path}", method=method, json={"locale": "vi"})
        assert problem(call) == (401, "not_signed_in")


def test_the_language_of_letters_can_be_chosen(api: AuthApi) -> None:
    person = somebody(api, EMAIL)
    answer = person.call("PATCH", "/v1/account", {"locale": "vi"})
    assert (answer.status_code, answer.get_json()["locale"]) == (200, "vi")
    assert account_of(person)["locale"] == "vi"
    assert person.call("PATCH", "/v1/account", {"locale": "not a language"}).status_code == 422
    assert person.call("PATCH", "/v1/account", {"email": "other@example.com"}).status_code == 422
    api.post("/v1/password-resets", {"email": EMAIL})
    assert api.last_letter().envelope.header.locale == "vi"


def test_a_new_password_needs_the_current_one_and_signs_everybody_else_out(api: AuthApi) -> None:
    person = somebody(api, EMAIL)
    other = sign_in(api, EMAIL)
    assert put_password(person) == (403, "current_password_needed")
    assert put_password(person, current_password="not the right one") == (403, "wrong_password")
    assert put_password(person, "linh@example.com!", current_password=PASSWORD) == (422, "invalid_fields")
    assert other.is_open
    assert put_password(person, current_password=PASSWORD) == (204, "")
    assert (person.is_open, other.is_open) == (True, False)
    letter = api.last_letter()
    assert (letter.envelope.header.letter, letter.contents.recipient) == (LetterName.PASSWORD_CHANGED, EMAIL)
    assert sign_in(api, EMAIL, NEW).is_open
    assert api.post("/v1/sessions", {"email": EMAIL, "password": PASSWORD}).status_code == 401
    changed = api.sql("SELECT result FROM audit_events WHERE action = 'password_change'")
    assert changed == [("done",)]


def test_a_new_password_voids_links_and_cancels_a_change_of_address(api: AuthApi) -> None:
    person = somebody(api, EMAIL)
    api.post("/v1/password-resets", {"email": EMAIL})
    reset = api.last_letter().link_token
    person.call("POST", "/v1/account/email", {"email": "new@example.com"})
    confirm = api.last_letter().link_token
    assert put_password(person, current_password=PASSWORD) == (204, "")
    assert problem(api.post("/v1/password-resets/confirm", {"token": reset, "password": NEW})) == (
        410,
        "void_link",
    )
    assert problem(api.post("/v1/email-changes/confirm", {"token": confirm})) == (410, "void_link")
    assert "pending_email" not in account_of(person)


def test_whoever_has_no_password_chooses_one_by_a_recent_sign_in(api: AuthApi) -> None:
    add_account(api, EMAIL)
    api.sql("UPDATE accounts SET password_hash = NULL")
    person = sign_in_by_letter(api, EMAIL)
    assert account_of(person)["has_password"] is False
    long_ago(api)
    late = person.call("PUT", "/v1/account/password", {"password": NEW})
    assert problem(late) == (401, "recent_sign_in_needed")
    assert "insufficient_user_authentication" in late.headers["WWW-Authenticate"]
    assert put_password(sign_in_by_letter(api, EMAIL)) == (204, "")
    assert sign_in(api, EMAIL, NEW).is_open


@pytest.mark.parametrize("sessions", [8])
def test_of_several_first_passwords_at_once_one_wins(api: AuthApi, sessions: int) -> None:
    """Whose session is the one that goes on chose the password; the others were signed out, or find that there is one."""
    add_account(api, EMAIL)
    api.sql("UPDATE accounts SET password_hash = NULL")
    people = [sign_in_by_letter(api, EMAIL) for _ in range(sessions)]
    for person in people:
        put_password(person)
    assert [person.is_open for person in people] == [True] + [False] * (sessions - 1)


def test_what_was_sent_is_listed_newest_first_and_page_by_page(api: AuthApi) -> None:
    api.verify(EMAIL)
    person = sign_in(api, EMAIL)
    for _ in range(22):
        api.post("/v1/sign-in-links", {"email": EMAIL})
    api.register(EMAIL, "a stranger's password")
    first = person.call("GET", "/v1/account/letters").get_json()
    second = person.call("GET", f"/v1/account/letters?after={first['next']}").get_json()
    names = [letter["letter"] for page in (first, second) for letter in page["letters"]]
    assert names == ["account_exists", *["sign_in_link"] * 22, "verify_address"]
    assert len(first["letters"]) == 20
    assert "next" not in second
    assert {"id", "letter", "created_at", "state", "at"} == set(first["letters"][0])
    assert person.call("GET", "/v1/account/letters?after=x").status_code == 422


def test_the_list_says_nothing_of_letters_to_others(api: AuthApi) -> None:
    api.verify("other@example.com")
    api.verify(EMAIL)
    person = sign_in(api, EMAIL)
    ((foreign,),) = api.sql("SELECT id::text FROM letters ORDER BY created_at LIMIT 1")
    person.call("POST", "/v1/account/email", {"email": "other@example.com"})
    person.call("POST", "/v1/account/email", {"email": "free@example.com"})
    listed = person.call("GET", "/v1/account/letters").get_json()["letters"]
    assert [letter["letter"] for letter in listed] == ["verify_address"]
    assert person.call("GET", f"/v1/account/letters?after={foreign}").get_json()["letters"] == []


def test_an_account_changes_its_language_so_often_an_hour(api: AuthApi) -> None:
    """Each change is written into the audit, which one person must not fill."""
    person = somebody(api, "linh@example.com")
    answers = [person.call("PATCH", "/v1/account", {"locale": "vi"}) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert answers[-1].get_json()["code"] == "rate_limited"
    assert somebody(api, "an@example.com").call("PATCH", "/v1/account", {"locale": "vi"}).status_code == 200
