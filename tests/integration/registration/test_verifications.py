"""② Proving an address: once, by the newest link or code, whatever happens at the same time."""

from datetime import datetime

import pytest

from support.auth_api import AuthApi

VERIFICATIONS = "/v1/verifications"
EMAIL = "linh@example.com"


def test_a_link_verifies_once_and_says_so_afterwards(api: AuthApi) -> None:
    api.register("Linh@example.com")
    token = api.last_letter().link_token
    answer = api.post(VERIFICATIONS, {"token": token})
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["email"] == "Linh@example.com"
    assert datetime.fromisoformat(body["verified_at"]).tzinfo is not None
    assert "Set-Cookie" not in answer.headers
    again = api.post(VERIFICATIONS, {"token": token})
    assert (again.status_code, again.get_json()["code"]) == (410, "used_link")


def test_a_code_verifies_once(api: AuthApi) -> None:
    api.register(EMAIL)
    proof = {"email": "LINH@example.com", "code": api.last_letter().code}
    assert api.post(VERIFICATIONS, proof).status_code == 200
    assert api.post(VERIFICATIONS, proof).status_code == 400


def test_link_and_code_of_one_letter_are_one_token(api: AuthApi) -> None:
    api.register(EMAIL)
    letter = api.last_letter()
    assert api.post(VERIFICATIONS, {"email": EMAIL, "code": letter.code}).status_code == 200
    assert api.post(VERIFICATIONS, {"token": letter.link_token}).status_code == 410


def test_of_fifty_posts_of_one_link_at_once_one_wins(api: AuthApi) -> None:
    api.register(EMAIL)
    answers = api.at_once([(VERIFICATIONS, {"token": api.last_letter().link_token})] * 50)
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 49


def test_of_fifty_posts_of_one_code_at_once_one_wins(api: AuthApi) -> None:
    api.register(EMAIL)
    answers = api.at_once([(VERIFICATIONS, {"email": EMAIL, "code": api.last_letter().code})] * 50)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49


def test_an_expired_link_is_gone_by_the_databases_clock(api: AuthApi) -> None:
    api.register(EMAIL)
    letter = api.last_letter()
    api.sql(
        "UPDATE one_time_tokens SET created_at = now() - interval '25 h', expires_at = now() - interval '1 h'"
    )
    answer = api.post(VERIFICATIONS, {"token": letter.link_token})
    assert (answer.status_code, answer.get_json()["code"]) == (410, "expired_link")
    assert api.post(VERIFICATIONS, {"email": EMAIL, "code": letter.code}).status_code == 400


def test_an_unknown_link_is_a_bad_request(api: AuthApi) -> None:
    answer = api.post(VERIFICATIONS, {"token": "never-made-by-us"})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "unknown_link")


def test_after_five_wrong_codes_the_right_one_is_refused_but_the_link_is_good(api: AuthApi) -> None:
    api.register(EMAIL)
    letter = api.last_letter()
    wrong = "00000000" if letter.code != "00000000" else "11111111"
    for _ in range(5):
        assert api.post(VERIFICATIONS, {"email": EMAIL, "code": wrong}).status_code == 400
    assert api.post(VERIFICATIONS, {"email": EMAIL, "code": letter.code}).status_code == 400
    assert api.post(VERIFICATIONS, {"token": letter.link_token}).status_code == 200


def test_tries_at_once_are_all_counted_and_never_more_than_five(api: AuthApi) -> None:
    api.register(EMAIL)
    code = api.last_letter().code
    wrong = [f"{n:08d}" for n in range(30) if f"{n:08d}" != code]
    api.at_once([(VERIFICATIONS, {"email": EMAIL, "code": guess}) for guess in wrong])
    assert api.sql("SELECT code_tries FROM one_time_tokens") == [(5,)]
    assert api.post(VERIFICATIONS, {"email": EMAIL, "code": code}).status_code == 400


def test_four_wrong_codes_leave_the_right_one_good(api: AuthApi) -> None:
    api.register(EMAIL)
    code = api.last_letter().code
    for guess in [f"{n:08d}" for n in range(5) if f"{n:08d}" != code][:4]:
        api.post(VERIFICATIONS, {"email": EMAIL, "code": guess})
    assert api.post(VERIFICATIONS, {"email": EMAIL, "code": code}).status_code == 200


def test_a_code_of_another_address_is_refused(api: AuthApi) -> None:
    api.register(EMAIL)
    code = api.last_letter().code
    api.register("other@example.com")
    if api.last_letter().code != code:
        assert api.post(VERIFICATIONS, {"email": "other@example.com", "code": code}).status_code == 400


def test_a_token_of_an_older_generation_or_another_address_proves_nothing(api: AuthApi) -> None:
    api.register(EMAIL)
    token = api.last_letter().link_token
    api.sql("UPDATE accounts SET generation = generation + 1")
    assert api.post(VERIFICATIONS, {"token": token}).status_code == 410
    api.sql("UPDATE accounts SET generation = generation - 1, canonical_email = 'changed@example.com'")
    assert api.post(VERIFICATIONS, {"token": token}).status_code == 410
    assert api.sql("SELECT verified_at FROM accounts") == [(None,)]


def test_whoever_registered_an_address_first_gains_nothing_from_its_owners_verification(api: AuthApi) -> None:
    api.register(EMAIL, "the stranger's password")
    stranger = api.sql("SELECT password_hash FROM accounts")
    api.register(EMAIL, "the owner's own password")
    assert api.post(VERIFICATIONS, {"token": api.last_letter().link_token}).status_code == 200
    assert api.sql("SELECT password_hash FROM accounts") != stranger


def test_looking_at_a_link_uses_nothing_up(api: AuthApi) -> None:
    api.register(EMAIL)
    token = api.last_letter().link_token
    client = api.app.test_client()
    for method in ("GET", "HEAD", "OPTIONS"):
        client.open(f"/verify?token={token}", method=method)
        client.open("/v1/verifications", method=method)
    assert api.post(VERIFICATIONS, {"token": token}).status_code == 200


@pytest.mark.parametrize("how", ["link", "code"])
def test_a_verified_address_gets_no_letter_that_was_still_on_its_way(api: AuthApi, how: str) -> None:
    receipt = api.register("linh@example.com")
    letter = api.last_letter()
    proof = (
        {"token": letter.link_token} if how == "link" else {"email": "linh@example.com", "code": letter.code}
    )
    assert api.post("/v1/verifications", proof).status_code == 200
    withdrawn = api.sql("SELECT letter_id::text FROM outbox WHERE kind = 'cancellation'")
    assert withdrawn == [(api.letter_id(receipt),)]
    assert api.sql("SELECT withdrawn_for FROM letters") == [("superseded",)]
