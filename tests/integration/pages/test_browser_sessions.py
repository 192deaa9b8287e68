"""① The session of a browser: its cookie opens the account's page, and nothing else does."""

import re
from html import unescape

import pytest

from auth_service.http.pages.form_tokens import SESSION_COOKIE
from support.auth_api import PASSWORD, AuthApi
from support.signed_in import REFRESH, SignedIn, add_account, sign_in
from support.visitor import Visitor

EMAIL = "linh@example.com"


@pytest.fixture
def signed_in(api: AuthApi) -> Visitor:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    assert visitor.sign_in(EMAIL).status_code == 200
    return visitor


def is_in(visitor: Visitor) -> bool:
    return "Your account" in visitor.open("/account").text


def holding(api: AuthApi, cookie: str) -> Visitor:
    """A browser that sends this cookie."""
    visitor = Visitor.of(api)
    visitor.client.set_cookie(SESSION_COOKIE, cookie, secure=True)
    return visitor


def test_each_sign_in_has_a_cookie_of_its_own_and_ends_what_was_before(
    api: AuthApi, signed_in: Visitor
) -> None:
    first = signed_in.cookie(SESSION_COOKIE)
    assert first is not None
    stolen = holding(api, first)
    assert is_in(stolen)
    planted = holding(api, first)
    planted.client.get("/signin")
    again = Visitor.of(api)
    again.sign_in(EMAIL)
    again.client.set_cookie(SESSION_COOKIE, first, secure=True)
    again.open("/forgot")
    page = again.client.post(
        "/signin",
        data={**again.hidden("/forgot"), "email": EMAIL, "password": "three boats at dawn"},
    )
    assert page.status_code == 303
    assert again.cookie(SESSION_COOKIE) not in {None, first}
    assert not is_in(stolen)


def test_signing_out_ends_the_session_not_only_the_cookie(api: AuthApi, signed_in: Visitor) -> None:
    cookie = signed_in.cookie(SESSION_COOKIE)
    assert cookie is not None
    page = signed_in.send("/signout")
    assert "You&#39;re signed out." in page.text or "You're signed out." in page.text
    assert signed_in.cookie(SESSION_COOKIE) is None
    assert not is_in(holding(api, cookie))


ENDS = (
    "UPDATE sessions SET ended_at = now(), ended_for = 'revoked'",
    "UPDATE sessions SET idle_until = now() - interval '1 second'",
    "UPDATE accounts SET disabled_at = now(); UPDATE sessions SET ended_at = now(), ended_for = 'disabled' WHERE ended_at IS NULL",
    "DELETE FROM accounts",
)


def test_a_session_that_ended_opens_nothing(api: AuthApi) -> None:
    add_account(api, EMAIL)
    for statement in ENDS:
        api.sql("UPDATE accounts SET disabled_at = NULL")
        visitor = Visitor.of(api)
        visitor.sign_in(EMAIL)
        assert is_in(visitor)
        api.sql(statement)
        page = visitor.open("/account")
        assert "<title>Sign in" in page.text
        assert visitor.hidden("/signin")["continue"] == "/account"


def test_a_cookie_that_was_taken_out_and_refreshed_opens_no_page_any_more(
    api: AuthApi, signed_in: Visitor
) -> None:
    cookie = signed_in.cookie(SESSION_COOKIE)
    thief = SignedIn.of(api, api.post(REFRESH, {"refresh_token": cookie}))
    assert not is_in(signed_in)
    assert thief.is_open


def test_a_cookie_that_comes_back_long_after_it_was_refreshed_ends_the_session_for_both_who_have_it(
    api: AuthApi, signed_in: Visitor
) -> None:
    cookie = signed_in.cookie(SESSION_COOKIE)
    thief = SignedIn.of(api, api.post(REFRESH, {"refresh_token": cookie}))
    api.sql("UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds'")
    assert cookie is not None
    assert not is_in(holding(api, cookie))
    assert not thief.is_open
    assert api.sql("SELECT ended_for FROM sessions") == [("reused",)]
    assert api.sql("SELECT action, result FROM audit_events ORDER BY id DESC LIMIT 1") == [
        ("refresh_reuse", "refused")
    ]


def test_a_cookie_opens_no_call_of_the_api(signed_in: Visitor) -> None:
    assert signed_in.client.get("/v1/account").status_code == 401
    assert signed_in.client.delete("/v1/sessions").status_code == 401


def test_whatever_else_a_cookie_holds_is_nobody(api: AuthApi) -> None:
    for cookie in ("", "x", "x" * 43, "x" * 5000, "ü", "a;b"):
        answer = api.app.test_client().get("/account", headers={"Cookie": f"{SESSION_COOKIE}={cookie}"})
        assert answer.status_code == 303, cookie


def test_an_applications_session_is_seen_and_not_its_tokens(api: AuthApi, signed_in: Visitor) -> None:
    person = sign_in(api, EMAIL)
    page = signed_in.open("/account").text
    assert page.count('name="session"') == 1
    assert person.refresh_token not in page


def test_the_page_of_an_account_with_very_many_sessions_is_a_light_one(
    api: AuthApi, signed_in: Visitor
) -> None:
    api.sql(
        "INSERT INTO sessions (id, account_id, client_id, amr, auth_time, device, source, idle_until, expires_at)"
        " SELECT gen_random_uuid(), account_id, client_id, amr, auth_time, repeat('d', 60), repeat('f', 39),"
        " idle_until, expires_at FROM sessions, generate_series(1, 99)"
    )
    page = signed_in.open("/account")
    assert page.text.count('name="session"') > 40
    assert len(page.data) < 60_000


def test_a_use_is_written_down_once_a_minute(api: AuthApi, signed_in: Visitor) -> None:
    api.sql(
        "UPDATE sessions SET last_used_at = now() - interval '2 minutes', idle_until = now() + interval '1 day'"
    )
    for _ in range(3):
        assert is_in(signed_in)
    ((moment, idle),) = api.sql(
        "SELECT now() - last_used_at < interval '1 minute', idle_until > now() + interval '13 days' FROM sessions"
    )
    assert (moment, idle) == (True, True)


LED = {
    "/account": "/account",
    "/account#password": "/account#password",
    "/account?saved=password": "/account?lang=en",
    "//evil.example/account": "/account?lang=en",
    "https://evil.example/account": "/account?lang=en",
    "/account\\@evil.example": "/account?lang=en",
    "/accountant": "/account?lang=en",
    "/account\r\nSet-Cookie: a=b": "/account?lang=en",
    "/docs": "/account?lang=en",
}


def test_whoever_signed_in_is_led_to_a_page_of_ours_only(api: AuthApi) -> None:
    add_account(api, EMAIL)
    for asked, led in LED.items():
        visitor = Visitor.of(api)
        visitor.open("/signin")
        password = "three boats at dawn"
        fields = {**visitor.hidden("/signin"), "continue": asked, "email": EMAIL, "password": password}
        answer = visitor.post("/signin", **fields)
        assert (answer.status_code, answer.headers["Location"]) == (303, led)
        again = visitor.client.get("/signin", query_string={"continue": asked})
        assert again.headers["Location"] == led


def test_to_an_application_a_page_leads_and_not_the_form(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.open("/signin")
    way_on = "/v1/authorize?client_id=shop&state=x"
    answer = visitor.post(
        "/signin",
        **{
            **visitor.hidden("/signin"),
            "continue": way_on,
            "email": EMAIL,
            "password": "three boats at dawn",
        },
    )
    assert answer.status_code == 200
    assert 'content="0;url=/v1/authorize?client_id=shop&amp;state=x"' in answer.text


def test_password_managers_find_the_form(api: AuthApi) -> None:
    answer = api.get("/.well-known/change-password")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account#password")


@pytest.mark.parametrize("form", ["/account/password", "/account/email"])
def test_who_proves_who_they_are_gets_another_secret_and_the_former_opens_nothing(
    api: AuthApi, signed_in: Visitor, form: str
) -> None:
    """Whoever had a copy of the cookie has nothing now; nobody is signed out."""
    api.sql("UPDATE sessions SET auth_time = auth_time - interval '1 hour'")
    former = signed_in.cookie(SESSION_COOKIE)
    signed_in.open("/account")
    more = (
        {"email": "linh.tran@example.org"} if form == "/account/email" else {"password": f"{PASSWORD} anew"}
    )
    signed_in.send(form, current_password=PASSWORD, **more)
    assert former not in {None, signed_in.cookie(SESSION_COOKIE)}
    assert is_in(signed_in)
    assert not is_in(holding(api, str(former)))
    assert is_in(signed_in)
    assert api.count("sessions") == 1


def test_older_sessions_and_emails_are_a_press_away(api: AuthApi, signed_in: Visitor) -> None:
    api.sql(
        "INSERT INTO sessions (id, account_id, client_id, amr, auth_time, device, source, created_at, idle_until, expires_at)"
        " SELECT gen_random_uuid(), account_id, client_id, amr, auth_time, 'Opera on Linux', '203.0.113.' || n,"
        " created_at - n * interval '1 minute', idle_until, expires_at FROM sessions, generate_series(1, 60) AS n"
    )
    for _ in range(21):
        api.post("/v1/sign-in-links", {"email": EMAIL})
    first = signed_in.open("/account").text
    assert "203.0.113.49" in first
    assert "203.0.113.60" not in first
    links = [unescape(link) for link in re.findall(r'href="([^"]*/account\?[^"]*)"', first)]
    devices = next(link for link in links if "devices=" in link)
    emails = next(link for link in links if "emails=" in link)
    older = signed_in.open(devices).text
    assert "203.0.113.60" in older
    assert "203.0.113.49" not in older
    assert "devices=" not in older
    assert "emails=" not in signed_in.open(emails).text
