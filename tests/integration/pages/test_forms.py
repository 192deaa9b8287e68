"""① Forms of pages: only those of our own pages count, in the browser they were made for, in the session they were made in."""

import json
import re

import pytest

from auth_service.http.pages.form_tokens import FORM_COOKIE, SESSION_COOKIE
from auth_service.http.pages.way_home import AUTHORIZE
from support.altcha_client import solve
from support.auth_api import PUBLIC_URL, AuthApi
from support.database import Database
from support.signed_in import add_account
from support.visitor import Visitor, without_marks

EMAIL = "linh@example.com"
COOKIE = r"__Host-postern(?:-form)?=[A-Za-z0-9_-]{43};( Expires=[^;]+; Max-Age=\d+;)? Secure; HttpOnly; Path=/; SameSite=Lax"
FILLED = {
    "email": EMAIL,
    "password": "three boats at dawn",
    "current_password": "three boats at dawn",
    "locale": "vi",
}


def forms(api: AuthApi) -> list[str]:
    """Every address that takes a form, but the one that has an application's request in it (test_authorize.py)."""
    rules = [rule for rule in api.app.url_map.iter_rules() if rule.endpoint.endswith("_form")]
    assert len(rules) >= 16
    assert all(rule.methods == {"POST", "OPTIONS"} for rule in rules)
    return [rule.rule for rule in rules if rule.rule != AUTHORIZE]


def state(api: AuthApi) -> list[tuple[object, ...]]:
    """What forms may change."""
    return [
        *api.sql("SELECT email, locale, password_hash FROM accounts"),
        *api.sql("SELECT id, ended_at FROM sessions"),
        *api.sql("SELECT count(*) FROM registrations UNION ALL SELECT count(*) FROM letters"),
    ]


def test_no_form_counts_without_its_token_or_with_another_browsers_or_an_older_sessions(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor, stranger = Visitor.of(api), Visitor.of(api)
    visitor.open("/signin")
    before_signing_in = visitor.hidden("/signin")["form_token"]
    stranger.open("/signin")
    of_a_stranger = stranger.hidden("/signin")["form_token"]
    visitor.sign_in(EMAIL)
    before = state(api)
    for path in forms(api):
        for token in ("", "x", of_a_stranger, before_signing_in):
            answer = visitor.post(path, form_token=token, **FILLED)
            assert answer.status_code == 403, (path, token)
            assert "This page was open for too long." in answer.text
    assert state(api) == before
    assert visitor.open("/account").status_code == 200


SENT_BY = [
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site", "Origin": "null"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, False),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "http://evil.example", "Host": "evil.example"}, False),
    # As our own forms are sent: without a referrer browsers tell no origin.
    ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
    ({"Origin": "null"}, True),
    ({"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL}, True),
    ({}, True),
]


def test_no_form_counts_that_another_sites_page_sends_even_with_its_token(api: AuthApi) -> None:
    visitor = Visitor.of(api)
    visitor.open("/forgot")
    fields = {**visitor.hidden("/forgot"), "email": EMAIL}
    for headers, taken in SENT_BY:
        before = api.count("letters")
        answer = visitor.client.post("/forgot", data=fields, headers=headers)
        assert answer.status_code == (200 if taken else 403), headers
        assert api.count("letters") - before == int(taken), headers


NO_FORMS = [
    ("email=a&email=b", "application/x-www-form-urlencoded", 400),
    ("email=%ff", "application/x-www-form-urlencoded", 400),
    ("&".join(f"f{n}=1" for n in range(40)), "application/x-www-form-urlencoded", 400),
    ("email=" + "x" * 20_000, "application/x-www-form-urlencoded", 413),
    ('{"email": "a"}', "application/json", 400),
    ("--b", "multipart/form-data; boundary=b", 400),
]


def test_what_no_form_of_ours_sends_is_refused(api: AuthApi) -> None:
    for path in (*forms(api), AUTHORIZE):
        for data, content_type, status in NO_FORMS:
            answer = api.app.test_client().post(path, data=data, content_type=content_type)
            assert answer.status_code == status, (path, data[:20])


def test_cookies_are_for_this_host_alone_over_tls_and_out_of_reach_of_scripts(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.sign_in(EMAIL)
    visitor.open("/account")
    visitor.send("/signout")
    told = [cookie for page in visitor.pages for cookie in page.headers.getlist("Set-Cookie")]
    gone = [cookie for cookie in told if "Max-Age=0" in cookie]
    assert len(gone) == 1
    assert gone[0].startswith(f"{SESSION_COOKIE}=;")
    kept = [cookie for cookie in told if cookie not in gone]
    assert len(kept) == 2
    for cookie in kept:
        assert re.fullmatch(COOKIE, cookie), cookie
    assert visitor.cookie(FORM_COOKIE) is not None


def test_whoever_opens_a_forms_address_is_led_to_its_page_in_the_same_language(api: AuthApi) -> None:
    for path in forms(api):
        answer = api.get(f"{path}?lang=vi")
        if answer.status_code == 200:
            continue
        assert answer.status_code == 303, path
        page, _, query = answer.headers["Location"].partition("?")
        assert query == "lang=vi"
        assert path == "/signout" or path.startswith((page, "/signin-link")), path
        assert api.get(page).status_code in {200, 303}


def test_nobody_on_the_way_keeps_a_page(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.sign_in(EMAIL)
    for path in ("/account", "/forgot", "/reset", "/signin-link", "/confirm-email", "/verify", "/signup"):
        answer = visitor.open(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "form-action 'self'; frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert all(action.startswith("/") for action in re.findall(r"action=\"([^\"]+)", answer.text))


def test_signing_in_says_the_same_to_everybody(api: AuthApi) -> None:
    """A wrong password, an account without one, a disabled account, an address that waits to be confirmed, nobody's."""
    add_account(api, "an-account-00@example.com")
    add_account(api, "an-account-01@example.com", None)
    add_account(api, "an-account-02@example.com")
    api.sql("UPDATE accounts SET disabled_at = now() WHERE email = 'an-account-02@example.com'")
    api.register("an-account-03@example.com")
    seen = set()
    for n in range(5):
        email = f"an-account-0{n}@example.com"
        password = "the wrong password" if n == 0 else "three boats at dawn"
        visitor = Visitor.of(api)
        answer = visitor.sign_in(email, password)
        assert answer.status_code == 401
        assert visitor.cookie(SESSION_COOKIE) is None
        headers = {
            name: value
            for name, value in answer.headers
            if name not in {"X-Request-ID", "Content-Security-Policy"}
        }
        seen.add((without_marks(answer).replace(email, ""), str(sorted(headers.items()))))
    assert len(seen) == 1


@pytest.mark.parametrize(("page", "action"), [("/forgot", "/forgot"), ("/signin", "/signin-link/send")])
def test_asking_for_an_email_shows_the_same_to_everybody(api: AuthApi, page: str, action: str) -> None:
    add_account(api, "an-account-00@example.com")
    api.register("an-account-01@example.com")
    seen = set()
    for n in range(3):
        email = f"an-account-0{n}@example.com"
        visitor = Visitor.of(api)
        visitor.open(page)
        answer = (
            visitor.send(page, email=email)
            if action == page
            else visitor.client.post(action, data={**visitor.hidden(page), "email": email})
        )
        assert answer.status_code == 200
        seen.add(without_marks(answer).replace(email, ""))
    assert len(seen) == 1


def test_forms_are_limited_as_the_calls_are_and_the_page_says_for_how_long(auth_database: Database) -> None:
    api = AuthApi.on(
        auth_database.url,
        owner_url=auth_database.migrator_url,
        limit_source="1/hour",
        limit_source_codes="1/hour",
        limit_source_sign_in="1/hour",
    )
    for page, action, fields in (
        ("/forgot", "/forgot", {"email": EMAIL}),
        ("/signin", "/signin", {"email": EMAIL, "password": "the wrong password"}),
        ("/reset", "/reset", {"token": "x", "password": "nine herons above the old mill"}),
    ):
        visitor = Visitor.of(api)
        for _ in range(2):
            visitor.open(page)
            answer = visitor.send(action, **fields)
        assert answer.status_code == 429, page
        assert "Too many attempts. Try again in 60 minutes." in answer.text
        assert int(answer.headers["Retry-After"]) > 3500


def test_while_very_many_sign_ins_fail_the_page_asks_for_work_and_takes_it(auth_database: Database) -> None:
    api = AuthApi.on(
        auth_database.url, owner_url=auth_database.migrator_url, limit_all_sign_in="1/day", proof_tries=100
    )
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    for _ in range(2):
        answer = visitor.sign_in(EMAIL, "the wrong password")
    assert answer.status_code == 428
    (challenge,) = re.findall(r'id="challenge">(.*?)</script>', answer.text)
    proof = solve({"challenge": json.loads(challenge)})
    answer = visitor.send("/signin", email=EMAIL, password="three boats at dawn", proof=proof)
    assert "Your account" in answer.text


def test_a_page_says_that_the_database_is_away() -> None:
    away = AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth")
    client = away.app.test_client()
    client.set_cookie(SESSION_COOKIE, "x" * 43, secure=True)
    answer = client.get("/account")
    assert answer.status_code == 503
    assert answer.content_type.startswith("text/html")
    assert "Temporarily unavailable. Try again." in answer.text
