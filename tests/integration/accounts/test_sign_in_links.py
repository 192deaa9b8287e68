"""② Signing in by the link or the code of a letter: once, whatever happens at the same time; nobody learns who has an account."""

from datetime import timedelta

import pytest

from auth_service.domain.limit import parse_limit
from support.auth_api import AuthApi, WrittenLetter
from support.database import Database
from support.same_shape import assert_same_shape
from support.signed_in import add_account
from support.standings import STANDINGS, address, people
from support.tokens import part

EMAIL = "linh@example.com"
REQUEST, CONFIRM = "/v1/sign-in-links", "/v1/sign-in-links/confirm"


def letter(api: AuthApi) -> WrittenLetter:
    assert api.post(REQUEST, {"email": EMAIL}).status_code == 202
    return api.last_letter()


def proof(how: str, of: WrittenLetter) -> dict[str, str]:
    return {"token": of.link_token} if how == "link" else {"email": EMAIL.upper(), "code": of.code}


HOW = pytest.mark.parametrize("how", ["link", "code"])


@HOW
def test_link_and_code_open_a_session(api: AuthApi, how: str) -> None:
    add_account(api, EMAIL)
    answer = api.post(CONFIRM, proof(how, letter(api)))
    assert answer.status_code == 201, answer.text
    body = answer.get_json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"}
    assert part(body["access_token"], 1)["amr"] == ["otp"]
    assert api.get("/v1/account", Authorization=f"Bearer {body['access_token']}").get_json()["email"] == EMAIL


@HOW
def test_neither_works_twice_nor_after_the_other(api: AuthApi, how: str) -> None:
    add_account(api, EMAIL)
    sent = letter(api)
    assert api.post(CONFIRM, proof(how, sent)).status_code == 201
    assert api.post(CONFIRM, proof("link", sent)).get_json()["code"] == "used_link"
    assert api.post(CONFIRM, proof("code", sent)).get_json()["code"] == "refused_code"
    assert api.count("sessions") == 1


@HOW
def test_of_fifty_at_once_one_signs_in(api: AuthApi, how: str) -> None:
    add_account(api, EMAIL)
    answers = api.insist([(CONFIRM, proof(how, letter(api)))] * 50)
    assert sorted(answer.status_code for answer in answers)[:2] == [201, 400 if how == "code" else 410]
    assert api.count("sessions") == 1


@HOW
@pytest.mark.parametrize("change", ["expired", "disabled"])
def test_it_opens_nothing_later_or_for_a_disabled_account(api: AuthApi, how: str, change: str) -> None:
    add_account(api, EMAIL)
    sent = letter(api)
    assert api.sql("SELECT expires_at - created_at FROM one_time_tokens WHERE purpose = 'sign_in'") == [
        (timedelta(minutes=10),)
    ]
    if change == "expired":
        api.sql("UPDATE one_time_tokens SET created_at = now() - interval '1 h', expires_at = now()")
    else:
        api.sql("UPDATE accounts SET disabled_at = now()")
    assert api.post(CONFIRM, proof(how, sent)).status_code in {400, 410}
    assert api.count("sessions") == 0


def test_what_a_stranger_asks_for_does_not_make_her_code_a_wrong_one(api: AuthApi) -> None:
    add_account(api, EMAIL)
    first = letter(api)
    letter(api)
    assert api.post(CONFIRM, proof("code", first)).status_code == 201


def test_wrong_codes_are_answered_alike_whatever_the_address_is(api: AuthApi) -> None:
    for standing in ("unverified", "verified"):
        people(api, standing, 1)
    answers = {}
    for standing in STANDINGS:
        api.post(REQUEST, {"email": address(standing, 0)})
        answers[standing] = api.post(CONFIRM, {"email": address(standing, 0), "code": "00000000"})
    assert_same_shape(answers)
    assert {answer.get_json()["code"] for answer in answers.values()} == {"refused_code"}


def test_five_wrong_ones_void_a_code_and_not_its_link(api: AuthApi) -> None:
    add_account(api, EMAIL)
    sent = letter(api)
    wrong = f"{(int(sent.code) + 1) % 10**8:08d}"
    for _ in range(5):
        assert api.post(CONFIRM, {"email": EMAIL, "code": wrong}).status_code == 400
    assert api.post(CONFIRM, proof("code", sent)).status_code == 400
    assert api.post(CONFIRM, proof("link", sent)).status_code == 201


def test_wrong_codes_of_all_purposes_are_counted_together(auth_database: Database) -> None:
    api = AuthApi.on(
        auth_database.url, owner_url=auth_database.migrator_url, limit_codes=parse_limit("4/day")
    )
    add_account(api, EMAIL)
    for path in ("/v1/verifications", CONFIRM) * 2:
        assert api.post(path, {"email": EMAIL, "code": "00000000"}).status_code == 400
    sent = letter(api)
    assert api.post(CONFIRM, proof("code", sent)).status_code == 400
    assert api.post(CONFIRM, proof("link", sent)).status_code == 201
