"""① An application that proves who it is calls for its people: they are counted, shown and told of, not its server."""

from collections.abc import Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from auth_service.domain.limit import parse_limit
from support.applications import APPLICATIONS, BANK, SHOP, basic
from support.auth_api import PASSWORD, AuthApi
from support.database import Database
from support.signed_in import FIREFOX, REFRESH, SESSIONS, SignedIn, add_account

EMAIL = "linh@example.com"
LINH = "for=203.0.113.7"
MINH = 'for="[2001:db8:1:2::7]:4711"'
SIGN_IN = {"email": EMAIL, "password": PASSWORD}


@pytest.fixture
def limited(auth_database: Database) -> AuthApi:
    """An API that lets two wrong passwords, and three wrong secrets, come from one address."""
    return AuthApi.on(
        auth_database.url,
        owner_url=auth_database.migrator_url,
        applications=APPLICATIONS,
        limit_source_sign_in=parse_limit("2/hour"),
        limit_source_refresh=parse_limit("3/hour"),
    )


def call(
    api: AuthApi, path: str, body: Mapping[str, Any], authorization: str = SHOP, forwarded: str = ""
) -> TestResponse:
    headers = {"Authorization": authorization, "Forwarded": forwarded, "User-Agent": FIREFOX}
    return api.app.test_client().post(
        path, json=body, headers={name: value for name, value in headers.items() if value}
    )


def test_a_session_shows_the_person_and_bears_the_applications_id(api: AuthApi) -> None:
    add_account(api, EMAIL)
    session = SignedIn.of(api, call(api, SESSIONS, SIGN_IN, forwarded=LINH))
    (entry,) = session.call("GET", SESSIONS).get_json()["sessions"]
    assert (entry["client_id"], entry["device"], entry["ip"]) == ("shop", "Firefox on Linux", "203.0.113.7")
    refreshed = SignedIn.of(api, call(api, REFRESH, {"refresh_token": session.refresh_token}))
    (entry,) = refreshed.call("GET", SESSIONS).get_json()["sessions"]
    assert entry["ip"] == "203.0.113.7", "a server that does not say for whom it refreshes is not the person"
    body = {"refresh_token": refreshed.refresh_token}
    assert api.post(REFRESH, body).status_code == 401, "the token is the application's"
    assert call(api, REFRESH, body, BANK).status_code == 401
    assert call(api, REFRESH, body, forwarded=MINH).status_code == 200


def test_people_are_counted_and_not_their_applications_server(limited: AuthApi) -> None:
    wrong = {"email": EMAIL, "password": "a wrong password of mine"}
    for _ in range(2):
        assert call(limited, SESSIONS, wrong, forwarded=LINH).status_code == 401
    assert call(limited, SESSIONS, wrong, forwarded=LINH).status_code == 429
    assert call(limited, SESSIONS, wrong, forwarded=MINH).status_code == 401
    assert call(limited, SESSIONS, wrong).status_code == 401, "its own address has wronged nobody"
    for number in range(2):
        appended = f"for=198.51.100.{number}, {MINH}"
        status = call(limited, SESSIONS, wrong, forwarded=appended).status_code
        assert status == (401, 429)[number], (
            "what it passes on besides is nobody's word: its server is counted"
        )


def test_without_authentication_nobody_is_believed(limited: AuthApi) -> None:
    wrong = {"email": EMAIL, "password": "a wrong password of mine"}
    statuses = [
        call(limited, SESSIONS, wrong, "", forwarded=f"for=198.51.100.{number}").status_code
        for number in range(3)
    ]
    assert statuses == [401, 401, 429]


def test_a_wrong_secret_is_refused_and_counted_by_the_address_that_sent_it(limited: AuthApi) -> None:
    add_account(limited, EMAIL)
    for secret in ("wrong", "", "x" * 3000):
        answer = call(limited, SESSIONS, SIGN_IN, basic("shop", secret), forwarded=LINH)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert call(limited, SESSIONS, SIGN_IN, basic("shop", "wrong"), forwarded=MINH).status_code == 429
    assert call(limited, SESSIONS, SIGN_IN).status_code == 201, "a good one is always taken"


def test_every_call_that_counts_a_source_says_so_of_a_wrong_secret(api: AuthApi) -> None:
    calls: Mapping[str, Mapping[str, Any]] = {
        "/v1/registrations": {"email": EMAIL, "password": PASSWORD},
        "/v1/registrations/resend": {"email": EMAIL},
        "/v1/verifications": {"token": "x"},
        "/v1/refusals": {"token": "x"},
        "/v1/password-resets": {"email": EMAIL},
        "/v1/password-resets/confirm": {"token": "x", "password": PASSWORD},
        "/v1/sign-in-links": {"email": EMAIL},
        "/v1/sign-in-links/confirm": {"token": "x"},
        "/v1/email-changes/confirm": {"token": "x"},
        "/v1/email-changes/revert": {"token": "x"},
        SESSIONS: SIGN_IN,
        REFRESH: {"refresh_token": "x"},
    }
    for path, body in calls.items():
        answer = call(api, path, body, basic("shop", "wrong"))
        assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_client"), path
        assert call(api, path, body).get_json().get("code") != "invalid_client", path
    assert api.sql("SELECT DISTINCT client_id FROM registrations") == [("shop",)]


def test_a_page_asks_nobody_which_application_it_is(api: AuthApi) -> None:
    """A proxy in front of a trial site asks browsers for a password of its own, by the same header."""
    page = api.get("/signin", Authorization=basic("trial", "password"))
    assert page.status_code == 200
