"""Signing in with a password: who may, and that nobody else learns why not."""

import argon2
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, PUBLIC_URL, AuthApi
from support.signed_in import FIREFOX, SESSIONS, add_account, hash_of, sign_in
from support.tokens import claims_verified_with, part

LINH = "linh@example.com"


def attempt(api: AuthApi, email: str = LINH, password: str = PASSWORD) -> TestResponse:
    return api.post(SESSIONS, {"email": email, "password": password})


def test_whoever_registered_and_confirmed_signs_in_in_any_spelling_of_case(api: AuthApi) -> None:
    api.verify("Linh@Example.com")
    for email in ("Linh@Example.com", "linh@example.com"):
        answer = attempt(api, email)
        assert answer.status_code == 201, answer.text
        body = answer.get_json()
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
        assert body["refresh_expires_in"] == 14 * 86400
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_is_verified_with_the_published_keys_alone(api: AuthApi) -> None:
    account = add_account(api, LINH)
    signed_in = sign_in(api, LINH)
    published = api.get("/.well-known/jwks.json")

    assert published.headers["Cache-Control"] == "public, max-age=300"
    assert published.headers["Access-Control-Allow-Origin"] == "*"
    claims = claims_verified_with(published.get_json(), signed_in.access_token)
    assert (claims["iss"], claims["aud"], claims["sub"]) == (PUBLIC_URL, PUBLIC_URL, str(account))
    assert (claims["client_id"], claims["amr"]) == ("postern", ["pwd"])
    assert part(signed_in.access_token, 0)["typ"] == "at+jwt"


def test_the_audience_and_the_lifetimes_are_settings(api: AuthApi) -> None:
    add_account(api, LINH)
    other = AuthApi.on(
        api.database_url,
        audience="https://shop.example",
        access_token_minutes=5,
        session_idle_days=1,
        session_days=1,
    )
    body = attempt(other).get_json()
    assert (body["expires_in"], body["refresh_expires_in"]) == (300, 86400)
    assert part(body["access_token"], 1)["aud"] == "https://shop.example"


def test_a_password_shorter_than_may_be_chosen_today_signs_in_nevertheless(api: AuthApi) -> None:
    add_account(api, LINH, "short")
    assert attempt(api, password="short").status_code == 201


def test_the_same_password_in_another_composition_of_characters_signs_in(api: AuthApi) -> None:
    add_account(api, LINH, "ba chiếc thuyền lúc bình minh")
    assert attempt(api, password="ba chiê\u0301c thuyê\u0300n lúc bình minh").status_code == 201


def refused(api: AuthApi) -> dict[str, TestResponse]:
    """Everybody who does not get in, each with an address of the same length."""
    for name in ("wrong", "disab", "nopwd", "garbl"):
        add_account(api, f"{name}@example.com", None if name == "nopwd" else PASSWORD)
    api.sql("UPDATE accounts SET disabled_at = now() WHERE email LIKE 'disab%%'")
    api.sql("UPDATE accounts SET password_hash = 'garbled' WHERE email LIKE 'garbl%%'")
    api.register("unver@example.com")
    answers = {
        name: attempt(api, f"{name}@example.com") for name in ("unkno", "unver", "disab", "nopwd", "garbl")
    }
    return {"wrong": attempt(api, "wrong@example.com", f"not {PASSWORD}"), **answers}


def test_whoever_does_not_get_in_is_told_the_same_whatever_the_reason(api: AuthApi) -> None:
    answers = refused(api)
    assert {answer.status_code for answer in answers.values()} == {401}
    assert {answer.get_json()["code"] for answer in answers.values()} == {"refused_sign_in"}
    assert all("isn't confirmed yet" in answer.get_json()["detail"] for answer in answers.values())
    assert len({len(answer.data) for answer in answers.values()}) == 1
    shapes = {
        tuple(sorted((name, len(value)) for name, value in answer.headers.items()))
        for answer in answers.values()
    }
    assert len(shapes) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers.values()} == {"Bearer"}
    assert api.count("sessions") == 0


def test_each_refusal_is_audited_once_known_or_unknown_and_names_nobody(api: AuthApi) -> None:
    refused(api)
    rows = api.sql("SELECT actor, action, result, target, detail::text FROM audit_events")
    assert {row[:3] for row in rows} == {("stranger", "sign_in", "refused")}
    assert len(rows) == 6
    assert "@" not in str(rows)
    (account,) = api.sql("SELECT id::text FROM accounts WHERE email LIKE 'wrong%%'")[0]
    assert account in {row[3] for row in rows}


def test_a_pending_registrations_password_opens_nothing_of_the_account_either(api: AuthApi) -> None:
    add_account(api, LINH)
    api.register(LINH, "another three boats")
    assert attempt(api, password="another three boats").status_code == 401
    assert attempt(api).status_code == 201


def test_a_hash_of_older_parameters_is_replaced_at_the_next_sign_in(api: AuthApi) -> None:
    account = add_account(api, LINH)
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    api.sql("UPDATE accounts SET password_hash = %s", old)

    assert attempt(api, password=f"not {PASSWORD}").status_code == 401
    assert api.sql("SELECT password_hash FROM accounts") == [(old,)]
    assert {
        answer.status_code for answer in api.insist([(SESSIONS, {"email": LINH, "password": PASSWORD})] * 4)
    } == {201}
    ((new,),) = api.sql("SELECT password_hash FROM accounts WHERE id = %s", str(account))
    assert "m=19456,t=2,p=1" in new
    assert attempt(api).status_code == 201


def test_a_hash_of_todays_parameters_stays(api: AuthApi) -> None:
    add_account(api, LINH)
    assert attempt(api).status_code == 201
    assert api.sql("SELECT password_hash FROM accounts") == [(hash_of(PASSWORD),)]


def test_where_and_with_what_somebody_signed_in_is_kept(api: AuthApi) -> None:
    add_account(api, LINH)
    sign_in(api, LINH, User_Agent=FIREFOX)
    assert api.sql("SELECT device, source, client_id FROM sessions") == [
        ("Firefox on Linux", "127.0.0.1", "postern")
    ]


def test_sign_ins_are_counted_without_saying_whose(api: AuthApi) -> None:
    add_account(api, LINH)
    attempt(api)
    refused(api)
    exposed = api.get_ops("/metrics").text
    assert 'auth_sign_ins_total{result="accepted"} 1.0' in exposed
    assert 'auth_sign_ins_total{result="refused"} 6.0' in exposed
