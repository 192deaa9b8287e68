"""② Proving an address: by a letter's link or code and a second thing; once, whatever happens at the same time."""

from datetime import datetime

import argon2
import pytest
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, AuthApi

VERIFICATIONS = "/v1/verifications"
EMAIL = "linh@example.com"
HERS = "the owner's own password"
HIS = "the stranger's password"


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def wrong_codes(code: str, count: int) -> list[str]:
    return [f"{n:08d}" for n in range(count + 1) if f"{n:08d}" != code][:count]


def account_hash(api: AuthApi) -> str:
    ((password_hash,),) = api.sql("SELECT password_hash FROM accounts")
    return str(password_hash)


def counts(api: AuthApi, password: str) -> bool:
    """Whether this is the password of the one account."""
    return argon2.PasswordHasher().verify(account_hash(api), password)


@pytest.mark.parametrize("how", ["link", "code"])
def test_link_or_code_and_the_registrations_secret_confirm_it(api: AuthApi, how: str) -> None:
    registered = api.register("Linh@example.com", locale="vi")
    letter = api.last_letter()
    proof = {"token": letter.link_token} if how == "link" else {"email": EMAIL, "code": letter.code}
    answer = api.post(VERIFICATIONS, proof | {"registration_secret": registered.secret})
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["email"] == "Linh@example.com"
    assert datetime.fromisoformat(body["verified_at"]).tzinfo is not None
    assert "Set-Cookie" not in answer.headers
    assert api.sql("SELECT email, canonical_email, locale FROM accounts") == [
        ("Linh@example.com", EMAIL, "vi")
    ]
    assert api.sql("SELECT ended_for, confirmed_with FROM registrations") == [
        ("confirmed", "registration_secret")
    ]
    assert api.sql("SELECT password_hash FROM registrations") == [(account_hash(api),)]


@pytest.mark.parametrize("how", ["link", "code"])
def test_without_a_second_thing_a_password_is_asked_for_and_nothing_is_used_up(
    api: AuthApi, how: str
) -> None:
    registered = api.register(EMAIL)
    letter = api.last_letter()
    proof = {"token": letter.link_token} if how == "link" else {"email": EMAIL, "code": letter.code}
    for _ in range(7):
        assert code_of(api.post(VERIFICATIONS, proof)) == (409, "password_needed")
    assert api.sql("SELECT code_tries, used_at FROM one_time_tokens") == [(0, None)]
    assert api.count("accounts") == 0
    assert api.post(VERIFICATIONS, proof | {"registration_secret": registered.secret}).status_code == 200


@pytest.mark.parametrize("how", ["link", "code"])
def test_whoever_reads_the_mailbox_may_choose_the_password_now(api: AuthApi, how: str) -> None:
    api.register(EMAIL, HIS)
    letter = api.last_letter()
    proof = {"token": letter.link_token} if how == "link" else {"email": EMAIL, "code": letter.code}
    chosen = proof | {"password": HERS}
    answer = api.post(VERIFICATIONS, chosen)
    assert answer.status_code == 200
    assert counts(api, HERS)
    assert api.post(VERIFICATIONS, chosen).text == answer.text
    other = proof | {"password": HERS + "!"}
    assert api.post(VERIFICATIONS, other).status_code in {400, 410}


@pytest.mark.parametrize("how", ["link", "code"])
def test_a_password_chosen_now_must_pass_the_same_policy(api: AuthApi, how: str) -> None:
    api.register(EMAIL)
    letter = api.last_letter()
    proof = {"token": letter.link_token} if how == "link" else {"email": EMAIL, "code": letter.code}
    for password in ("short", "linh@example.com", "x" * 257):
        answer = api.post(VERIFICATIONS, proof | {"password": password})
        assert code_of(answer) == (422, "invalid_fields")
    assert api.sql("SELECT code_tries, used_at FROM one_time_tokens") == [(0, None)]
    assert api.post(VERIFICATIONS, proof | {"password": PASSWORD}).status_code == 200


def test_two_second_things_at_once_are_refused(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    both = {"registration_secret": registered.secret, "password": PASSWORD}
    answer = api.post(VERIFICATIONS, {"token": api.last_letter().link_token, **both})
    assert answer.status_code == 422
    assert api.count("accounts") == 0


@pytest.mark.parametrize("how", ["link", "code"])
def test_the_same_request_again_gets_the_same_answer_for_ten_minutes(api: AuthApi, how: str) -> None:
    registered = api.register(EMAIL)
    letter = api.last_letter()
    proof = {"token": letter.link_token} if how == "link" else {"email": EMAIL, "code": letter.code}
    whole = proof | {"registration_secret": registered.secret}
    first = api.post(VERIFICATIONS, whole)
    for _ in range(7):
        assert api.post(VERIFICATIONS, whole).text == first.text
    assert api.post(VERIFICATIONS, proof).status_code in {400, 410}
    assert api.post(VERIFICATIONS, proof | {"registration_secret": "x" * 43}).status_code in {400, 410}
    assert api.post(VERIFICATIONS, proof | {"password": PASSWORD}).status_code in {400, 410}
    api.sql("UPDATE one_time_tokens SET used_at = used_at - interval '11 min'")
    assert api.post(VERIFICATIONS, whole).status_code in {400, 410}


def test_link_and_code_of_one_letter_are_one_token(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    letter = api.last_letter()
    second = {"registration_secret": registered.secret}
    assert api.post(VERIFICATIONS, {"email": EMAIL, "code": letter.code, **second}).status_code == 200
    assert code_of(api.post(VERIFICATIONS, {"token": letter.link_token})) == (410, "used_link")
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE used_at IS NOT NULL") == [(1,)]


def test_of_fifty_posts_of_one_link_at_once_one_confirms_and_all_get_its_answer(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    body = {"token": api.last_letter().link_token, "registration_secret": registered.secret}
    answers = api.insist([(VERIFICATIONS, body)] * 50)
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert api.count("accounts") == 1


def test_of_fifty_passwords_chosen_with_one_link_at_once_one_wins(api: AuthApi) -> None:
    api.register(EMAIL)
    token = api.last_letter().link_token
    calls = [(VERIFICATIONS, {"token": token, "password": f"{PASSWORD} {n}"}) for n in range(50)]
    answers = api.insist(calls)
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 49
    winner = next(call[1]["password"] for call, a in zip(calls, answers, strict=True) if a.status_code == 200)
    assert counts(api, winner)


def test_of_fifty_posts_of_one_code_at_once_one_confirms_and_all_get_its_answer(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    body = {"email": EMAIL, "code": api.last_letter().code, "registration_secret": registered.secret}
    answers = api.insist([(VERIFICATIONS, body)] * 50)
    assert {answer.status_code for answer in answers} == {200}
    assert api.count("accounts") == 1


def test_of_two_registrations_of_one_address_confirmed_at_once_one_becomes_the_account(api: AuthApi) -> None:
    calls = []
    for n in range(10):
        registered = api.register(EMAIL, f"{PASSWORD} {n}")
        token = api.last_letter().link_token
        calls.append((VERIFICATIONS, {"token": token, "registration_secret": registered.secret}))
    answers = api.insist(calls)
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 9
    assert {a.get_json()["code"] for a in answers if a.status_code == 410} == {"already_confirmed"}
    assert api.count("accounts") == 1
    assert api.sql("SELECT ended_for, count(*) FROM registrations GROUP BY 1 ORDER BY 1") == [
        ("confirmed", 1),
        ("overtaken", 9),
    ]


def test_an_expired_link_is_gone_by_the_databases_clock(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    letter = api.last_letter()
    api.sql(
        "UPDATE one_time_tokens SET created_at = now() - interval '25 h', expires_at = now() - interval '1 h'"
    )
    second = {"registration_secret": registered.secret}
    assert code_of(api.post(VERIFICATIONS, {"token": letter.link_token, **second})) == (410, "expired_link")
    by_code = api.post(VERIFICATIONS, {"email": EMAIL, "code": letter.code, **second})
    assert by_code.status_code == 400


def test_an_unknown_link_is_a_bad_request(api: AuthApi) -> None:
    assert code_of(api.post(VERIFICATIONS, {"token": "never-made-by-us"})) == (400, "unknown_link")
    with_password = {"token": "never-made-by-us", "password": PASSWORD}
    assert code_of(api.post(VERIFICATIONS, with_password)) == (400, "unknown_link")


def test_after_five_wrong_codes_the_right_one_is_refused_but_the_link_is_good(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    letter, second = api.last_letter(), {"registration_secret": registered.secret}
    for wrong in wrong_codes(letter.code, 5):
        assert api.post(VERIFICATIONS, {"email": EMAIL, "code": wrong}).status_code == 400
    assert api.post(VERIFICATIONS, {"email": EMAIL, "code": letter.code, **second}).status_code == 400
    assert api.post(VERIFICATIONS, {"token": letter.link_token, **second}).status_code == 200


def test_a_wrong_code_counts_on_every_code_it_might_have_been_meant_for(api: AuthApi) -> None:
    api.register(EMAIL, HIS)
    api.register(EMAIL, HERS)
    (wrong,) = wrong_codes(api.last_letter().code, 1)
    api.post(VERIFICATIONS, {"email": EMAIL, "code": wrong})
    api.post(VERIFICATIONS, {"email": EMAIL, "code": wrong, "password": PASSWORD})
    assert api.sql("SELECT code_tries FROM one_time_tokens") == [(2,), (2,)]


def test_a_right_code_with_another_registrations_secret_is_answered_like_a_link_with_one(
    api: AuthApi,
) -> None:
    his = api.register(EMAIL, HIS)
    his_code = {"email": EMAIL, "code": api.last_letter().code}
    hers = api.register(EMAIL, HERS)
    for secret in (hers.secret, *(character * 43 for character in "abcdefg")):
        answer = api.post(VERIFICATIONS, his_code | {"registration_secret": secret})
        assert code_of(answer) == (409, "password_needed")
    assert api.sql("SELECT code_tries, used_at FROM one_time_tokens") == [(0, None)] * 2
    assert api.post(VERIFICATIONS, his_code | {"registration_secret": his.secret}).status_code == 200


@pytest.mark.parametrize("whose", ["his", "nobody's"])
def test_a_wrong_code_counts_on_every_code_whatever_secret_comes_with_it(api: AuthApi, whose: str) -> None:
    his = api.register(EMAIL, HIS)
    his_code = api.last_letter().code
    api.register(EMAIL, HERS)
    secret = his.secret if whose == "his" else "x" * 43
    taken = {his_code, api.last_letter().code}
    wrong = [f"{n:08d}" for n in range(10) if f"{n:08d}" not in taken][:5]
    for code in wrong:
        body = {"email": EMAIL, "code": code, "registration_secret": secret}
        assert code_of(api.post(VERIFICATIONS, body)) == (400, "refused_code")
    assert api.sql("SELECT code_tries FROM one_time_tokens") == [(5,)] * 2
    # So a guess that would have been right tells nothing any more.
    body = {"email": EMAIL, "code": api.last_letter().code, "registration_secret": secret}
    assert code_of(api.post(VERIFICATIONS, body)) == (400, "refused_code")


def test_any_number_of_newer_registrations_leave_her_code_good(api: AuthApi) -> None:
    hers = api.register(EMAIL, HERS)
    her_code = api.last_letter().code
    for number in range(30):
        api.register(EMAIL, f"{HIS} {number}")
    answer = api.post(VERIFICATIONS, {"email": EMAIL, "code": her_code, "registration_secret": hers.secret})
    assert answer.status_code == 200


@pytest.mark.parametrize("how", ["link", "code"])
def test_what_cannot_become_the_account_uses_nothing_up(api: AuthApi, how: str) -> None:
    """As when a mailbox got an account that its pending registrations were not told of."""
    registered = api.register(EMAIL)
    letter = api.last_letter()
    api.sql(
        "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
        " VALUES (gen_random_uuid(), %s, %s, 'x', 'en', now())",
        EMAIL,
        EMAIL,
    )
    proof = {"token": letter.link_token} if how == "link" else {"email": EMAIL, "code": letter.code}
    answer = api.post(VERIFICATIONS, proof | {"registration_secret": registered.secret})
    assert code_of(answer) == ((410, "already_confirmed") if how == "link" else (400, "refused_code"))
    assert api.sql("SELECT used_at, code_tries FROM one_time_tokens") == [(None, int(how == "code"))]
    assert api.sql("SELECT ended_at FROM registrations") == [(None,)]


def test_tries_at_once_are_all_counted_and_never_more_than_five(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    code = api.last_letter().code
    calls = [(VERIFICATIONS, {"email": EMAIL, "code": wrong}) for wrong in wrong_codes(code, 30)]
    assert {answer.status_code for answer in api.insist(calls)} == {400}
    assert api.sql("SELECT code_tries FROM one_time_tokens") == [(5,)]
    right = {"email": EMAIL, "code": code, "registration_secret": registered.secret}
    assert api.post(VERIFICATIONS, right).status_code == 400


def test_four_wrong_codes_leave_the_right_one_good(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    code = api.last_letter().code
    for wrong in wrong_codes(code, 4):
        api.post(VERIFICATIONS, {"email": EMAIL, "code": wrong})
    right = {"email": EMAIL, "code": code, "registration_secret": registered.secret}
    assert api.post(VERIFICATIONS, right).status_code == 200


def test_a_code_of_another_address_is_refused(api: AuthApi) -> None:
    api.register(EMAIL)
    code = api.last_letter().code
    api.register("other@example.com")
    if api.last_letter().code != code:
        assert api.post(VERIFICATIONS, {"email": "other@example.com", "code": code}).status_code == 400


@pytest.mark.parametrize("first", ["stranger", "owner"])
@pytest.mark.parametrize("pressed", ["stranger", "owner"])
@pytest.mark.parametrize("with_what", ["her secret", "a password", "nothing"])
def test_a_stranger_who_registers_her_address_gains_nothing_whatever_she_presses(
    api: AuthApi, first: str, pressed: str, with_what: str
) -> None:
    """He registers before or after her; she presses the button in either letter, with what she has."""
    passwords = {"stranger": HIS, "owner": HERS}
    secrets, letters = {}, {}
    for who in (first, *({"stranger", "owner"} - {first})):
        secrets[who] = api.register(EMAIL, passwords[who]).secret
        letters[who] = api.last_letter()
    seconds = {
        "her secret": {"registration_secret": secrets["owner"]},
        "a password": {"password": HERS},
        "nothing": {},
    }
    answer = api.post(VERIFICATIONS, {"token": letters[pressed].link_token, **seconds[with_what]})
    if with_what == "nothing" or (with_what == "her secret" and pressed == "stranger"):
        assert code_of(answer) == (409, "password_needed")
        chosen = {"token": letters[pressed].link_token, "password": HERS}
        answer = api.post(VERIFICATIONS, chosen)
    assert answer.status_code == 200
    assert counts(api, HERS)
    # Neither his letter nor his secret is worth anything now.
    his = {"token": letters["stranger"].link_token, "registration_secret": secrets["stranger"]}
    assert api.post(VERIFICATIONS, his).status_code == 410
    assert counts(api, HERS)


def test_a_strangers_secret_is_no_second_thing_for_her_letter(api: AuthApi) -> None:
    his = api.register(EMAIL, HIS)
    api.register(EMAIL, HERS)
    proof = {"token": api.last_letter().link_token, "registration_secret": his.secret}
    assert code_of(api.post(VERIFICATIONS, proof)) == (409, "password_needed")


def test_looking_at_a_link_uses_nothing_up(api: AuthApi) -> None:
    registered = api.register(EMAIL)
    token = api.last_letter().link_token
    client = api.app.test_client()
    for method in ("GET", "HEAD", "OPTIONS"):
        client.open(f"/verify?token={token}", method=method)
        client.open("/v1/verifications", method=method)
    body = {"token": token, "registration_secret": registered.secret}
    assert api.post(VERIFICATIONS, body).status_code == 200


@pytest.mark.parametrize("how", ["link", "code"])
def test_a_confirmed_registration_gets_no_letter_that_was_still_on_its_way(api: AuthApi, how: str) -> None:
    api.register(EMAIL, HIS)
    registered = api.register(EMAIL)
    letter = api.last_letter()
    proof = {"token": letter.link_token} if how == "link" else {"email": EMAIL, "code": letter.code}
    whole = proof | {"registration_secret": registered.secret}
    assert api.post(VERIFICATIONS, whole).status_code == 200
    withdrawn = api.sql("SELECT letter_id::text FROM outbox WHERE kind = 'cancellation'")
    assert withdrawn == [(api.letter_id(registered.receipt),)], "another registration's receipt must not tell"
