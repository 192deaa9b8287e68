"""① `/v1/token`: a code is good once, for a minute, for who asked for it; what it gives is a session as any other, but for its reach."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from werkzeug.test import TestResponse

from auth_service.http.pages.form_tokens import SESSION_COOKIE
from support.applications import (
    BANK,
    NEXT_SECRET,
    SHOP,
    Client,
    basic,
    came_back,
    unknown_code,
)
from support.auth_api import PASSWORD, PUBLIC_URL, AuthApi
from support.database import Database
from support.signed_in import CURRENT, REFRESH, REVOKE, SESSIONS, SignedIn, add_account, sign_in
from support.tokens import claims_verified_with, part
from support.visitor import Visitor

EMAIL = "linh@example.com"


def error_of(answer: TestResponse) -> str:
    assert answer.status_code in {400, 401}, answer.text
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json().keys() <= {"error", "error_description"}
    return str(answer.get_json()["error"])


def test_a_code_gives_a_session_whose_token_is_for_the_application(
    api: AuthApi, shop: Client, visitor: Visitor
) -> None:
    answer = shop.exchange(shop.code(visitor))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert body["token_type"] == "Bearer"
    claims = claims_verified_with(api.get("/.well-known/jwks.json").get_json(), body["access_token"])
    assert claims["aud"] == "https://api.shop.example"
    assert (claims["iss"], claims["client_id"]) == (PUBLIC_URL, "shop")
    browser = sign_in(api, EMAIL).call("GET", SESSIONS).get_json()["sessions"]
    assert {entry["client_id"] for entry in browser} == {"postern", "shop"}
    (theirs,) = [entry for entry in browser if entry["client_id"] == "shop"]
    assert theirs["device"] == "Firefox on Linux", "the person's, not the server's that asked"
    assert theirs["amr"] == ["pwd"]


DEBUG_LOG = """
import sys
from service_runtime.telemetry import configure_logging
configure_logging(service="auth-api", format="json", level="DEBUG")
from support.applications import APPLICATIONS, Client
from support.auth_api import AuthApi
from support.signed_in import add_account
from support.visitor import Visitor
api = AuthApi.on(sys.argv[1], owner_url=sys.argv[2], applications=APPLICATIONS)
add_account(api, "linh@example.com")
visitor = Visitor.of(api)
visitor.sign_in("linh@example.com")
shop = Client(api=api)
first = shop.exchange(shop.code(visitor)).get_json()
second = shop.refresh(first["refresh_token"]).get_json()
print("TOKENS", *[answer[name] for answer in (first, second) for name in ("access_token", "refresh_token")])
"""


def test_at_debug_the_log_shows_no_token(auth_database: Database) -> None:
    command = [sys.executable, "-c", DEBUG_LOG, auth_database.url, auth_database.migrator_url]
    tests = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=tests, capture_output=True, text=True, check=True)
    log, _, tokens = (done.stdout + done.stderr).partition("TOKENS")
    assert '"level": "debug"' in log or '"route": "/v1/token"' in log
    issued = tokens.splitlines()[0].split()
    assert len(issued) == 4
    for token in issued:
        assert token not in log


def test_a_public_application_needs_the_verifier_alone(api: AuthApi, visitor: Visitor) -> None:
    phone = Client.public(api)
    code = came_back(phone.pressed(visitor), to=phone.redirect_uri)["code"]
    answer = phone.exchange(code)
    assert answer.status_code == 200
    assert part(answer.get_json()["access_token"], 1)["aud"] == "phone"


def test_a_code_that_comes_back_ends_what_it_gave(api: AuthApi, shop: Client, visitor: Visitor) -> None:
    code = shop.code(visitor)
    session = SignedIn.of(api, shop.exchange(code))
    assert session.call("GET", "/v1/account").status_code == 200
    assert error_of(shop.exchange(code)) == "invalid_grant"
    assert session.call("GET", "/v1/account").status_code == 401
    assert error_of(shop.refresh(session.refresh_token)) == "invalid_grant"
    assert "Your account" in visitor.open("/account").text, (
        "the browser's own session has nothing to do with it"
    )
    assert api.sql("SELECT result FROM audit_events WHERE action = 'code_reuse'") == [("refused",)]


def test_of_fifty_at_once_one_at_most_gets_a_session_and_it_ends(
    api: AuthApi, shop: Client, visitor: Visitor
) -> None:
    code = shop.code(visitor)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: shop.exchange(code), range(50)))
    granted = [answer for answer in answers if answer.status_code == 200]
    assert len(granted) <= 1
    assert {answer.status_code for answer in answers} <= {200, 400, 503}
    assert api.sql("SELECT count(*) FROM sessions WHERE client_id = 'shop'") == [(1,)]
    assert api.sql("SELECT ended_for FROM sessions WHERE client_id = 'shop'") == [("reused",)]


def test_a_code_is_good_for_a_minute(api: AuthApi, shop: Client, visitor: Visitor) -> None:
    code = shop.code(visitor)
    ((seconds,),) = api.sql("SELECT extract(epoch FROM expires_at - now()) FROM authorization_codes")
    assert 50 < seconds <= 60
    api.sql("UPDATE authorization_codes SET expires_at = now()")
    assert error_of(shop.exchange(code)) == "invalid_grant"


def test_a_code_is_kept_as_a_hash_only(api: AuthApi, shop: Client, visitor: Visitor) -> None:
    code = shop.code(visitor)
    rows = api.sql("SELECT authorization_codes::text FROM authorization_codes")
    assert code not in str(rows)
    assert code.encode().hex() not in str(rows)


def test_a_code_put_into_anothers_request_is_worth_nothing_and_uses_nothing_up(
    shop: Client, visitor: Visitor
) -> None:
    code = shop.code(visitor)
    for changes in (
        {"code_verifier": "another-verifier-of-forty-three-characters-or"},
        {"redirect_uri": "https://shop.example/other?from=gate"},
        {"redirect_uri": "https://bank.example/back"},
    ):
        assert error_of(shop.exchange(code, **changes)) == "invalid_grant"
    assert shop.exchange(code).status_code == 200


def test_pkce_cannot_be_left_out_of_the_exchange(shop: Client, visitor: Visitor) -> None:
    code = shop.code(visitor)
    for verifier in ("", "short", "x" * 129, "ü" * 43):
        assert error_of(shop.exchange(code, code_verifier=verifier)) == "invalid_request"
    assert error_of(shop.exchange(code, redirect_uri="")) == "invalid_grant"


def test_another_applications_code_is_nobodys(api: AuthApi, shop: Client, visitor: Visitor) -> None:
    code = shop.code(visitor)
    bank = shop.but(client_id="bank", authorization=BANK)
    assert error_of(bank.exchange(code)) == "invalid_grant"
    assert error_of(Client.public(api).exchange(code, redirect_uri=shop.redirect_uri)) == "invalid_grant"
    assert error_of(shop.exchange(unknown_code())) == "invalid_grant"
    assert error_of(shop.exchange("x" * 5000)) == "invalid_grant"
    assert shop.exchange(code).status_code == 200


POSING: Sequence[tuple[str, dict[str, str]]] = (
    ("", {"client_id": "shop"}),
    ("", {"client_id": "shop", "client_secret": "a-secret-of-the-shop-which-is-long-enough"}),
    ("", {}),
    (basic("shop", "wrong"), {}),
    (basic("shop", ""), {}),
    (basic("phone", ""), {}),
    (basic("nobody", "a-secret-of-the-shop-which-is-long-enough"), {}),
    (SHOP, {"client_id": "bank"}),
    ("Basic !!!", {}),
)


def test_who_does_not_prove_to_be_the_application_gets_401(shop: Client, visitor: Visitor) -> None:
    code = shop.code(visitor)
    for authorization, parameters in POSING:
        posing = {
            **parameters,
            "code": code,
            "grant_type": "authorization_code",
            "code_verifier": shop.verifier,
        }
        answer = shop.but(authorization=authorization).post("/v1/token", posing)
        assert error_of(answer) == "invalid_client"
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_two_secrets_are_good_while_one_is_replaced_and_encoded_as_rfc_6749_has_it(
    shop: Client, visitor: Visitor
) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in NEXT_SECRET.encode())
    for secret in (NEXT_SECRET, encoded):
        code = shop.code(visitor)
        assert shop.but(authorization=basic("shop", secret)).exchange(code).status_code == 200


def test_the_token_endpoint_reads_forms_only(shop: Client) -> None:
    client = shop.api.app.test_client()
    headers = {"Authorization": SHOP}
    assert error_of(client.post("/v1/token", json={"grant_type": "x"}, headers=headers)) == "invalid_request"
    twice = client.post("/v1/token", data="code=a&code=b&grant_type=authorization_code", headers=headers)
    assert error_of(twice) == "invalid_request"
    address = client.post("/v1/token?grant_type=authorization_code", data={"code": "x"}, headers=headers)
    assert error_of(address) == "unsupported_grant_type"
    for grant_type in ("password", "client_credentials", "implicit", 'a"b'):
        assert error_of(shop.token(grant_type=grant_type)) in {"unsupported_grant_type", "invalid_request"}


def test_an_applications_refresh_token_rotates_and_is_its_own(
    api: AuthApi, shop: Client, visitor: Visitor
) -> None:
    session = shop.signed_in(visitor)
    bank = shop.but(client_id="bank", authorization=BANK)
    assert error_of(bank.refresh(session.refresh_token)) == "invalid_grant"
    assert error_of(Client.public(api).refresh(session.refresh_token)) == "invalid_grant"
    assert api.post(REFRESH, {"refresh_token": session.refresh_token}).status_code == 401
    first = shop.refresh(session.refresh_token)
    assert first.status_code == 200, "the others did not use it up"
    again = shop.refresh(session.refresh_token)
    assert again.get_json()["refresh_token"] == first.get_json()["refresh_token"]
    api.sql("UPDATE refresh_tokens SET used_at = used_at - interval '1 hour' WHERE used_at IS NOT NULL")
    assert error_of(shop.refresh(session.refresh_token)) == "invalid_grant"
    assert error_of(shop.refresh(first.get_json()["refresh_token"])) == "invalid_grant"


def test_our_own_refresh_token_is_no_applications(api: AuthApi, shop: Client) -> None:
    add_account(api, EMAIL)
    own = sign_in(api, EMAIL)
    assert error_of(shop.refresh(own.refresh_token)) == "invalid_grant"
    assert own.refresh().status_code == 200


def test_an_applications_token_reads_the_account_and_signs_out_and_changes_nothing(
    shop: Client, visitor: Visitor
) -> None:
    session = shop.signed_in(visitor)
    shown = session.call("GET", "/v1/account").get_json()
    assert (shown["email"], shown.keys() & {"has_password", "pending_email"}) == (EMAIL, set())
    changes = {
        ("PATCH", "/v1/account"): {"locale": "vi"},
        ("PUT", "/v1/account/password"): {"current_password": PASSWORD, "password": "a horse in the garden"},
        ("POST", "/v1/account/deletion"): {"password": PASSWORD},
        ("POST", "/v1/account/email"): {"email": "else@example.com"},
        ("POST", "/v1/sessions/current/reauthenticate"): {"password": PASSWORD},
        ("GET", "/v1/account/letters"): None,
        ("GET", SESSIONS): None,
        ("DELETE", SESSIONS): None,
    }
    for (method, path), body in changes.items():
        answer = session.call(method, path, body)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "application_token"), path
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert session.call("DELETE", CURRENT).status_code == 204
    assert session.call("GET", "/v1/account").status_code == 401


def test_an_applications_refresh_token_opens_no_page(api: AuthApi, shop: Client, visitor: Visitor) -> None:
    session = shop.signed_in(visitor)
    thief = Visitor.of(api)
    thief.client.set_cookie(SESSION_COOKIE, session.refresh_token, secure=True)
    assert "Your account" not in thief.open("/account").text
    assert shop.asked(thief).headers["Location"].startswith("/signin")


def test_an_applications_refresh_token_in_a_browsers_cookie_ends_nothing(
    api: AuthApi, shop: Client, visitor: Visitor
) -> None:
    session = shop.signed_in(visitor)
    successor = shop.refresh(session.refresh_token).get_json()["refresh_token"]
    api.sql("UPDATE refresh_tokens SET used_at = now() - interval '1 hour' WHERE used_at IS NOT NULL")
    thief = Visitor.of(api)
    for token in (session.refresh_token, successor):
        thief.client.set_cookie(SESSION_COOKIE, token, secure=True)
        thief.open("/account")
        assert thief.post("/signout", **thief.hidden("/signin")).status_code == 303
        thief.client.set_cookie(SESSION_COOKIE, token, secure=True)
        assert thief.sign_in(EMAIL).status_code == 200
        assert session.call("GET", "/v1/account").status_code == 200


def test_a_code_is_worth_nothing_when_its_browser_has_signed_out(
    api: AuthApi, shop: Client, visitor: Visitor
) -> None:
    code = shop.code(visitor)
    visitor.open("/account")
    visitor.send("/signout")
    assert error_of(shop.exchange(code)) == "invalid_grant"
    visitor.sign_in(EMAIL)
    code = shop.code(visitor)
    api.sql("UPDATE accounts SET disabled_at = now()")
    assert error_of(shop.exchange(code)) == "invalid_grant"


def test_an_application_ends_its_own_sessions_only(api: AuthApi, shop: Client, visitor: Visitor) -> None:
    session = shop.signed_in(visitor)
    bank = shop.but(client_id="bank", authorization=BANK)
    assert bank.post("/v1/revoke", {"token": session.refresh_token}).status_code == 200
    assert session.call("GET", "/v1/account").status_code == 200
    hinted = {"token": session.refresh_token, "token_type_hint": "whatever"}
    assert shop.post("/v1/revoke", hinted).status_code == 200
    assert session.call("GET", "/v1/account").status_code == 401
    assert shop.post("/v1/revoke", {"token": unknown_code()}).status_code == 200
    assert error_of(shop.post("/v1/revoke", {"token": session.access_token})) == "unsupported_token_type"
    assert error_of(shop.but(authorization="").post("/v1/revoke", {"token": "x"})) == "invalid_client"
    other = shop.signed_in(visitor)
    assert api.post(REVOKE, {"refresh_token": other.refresh_token}).status_code == 200
    assert other.call("GET", "/v1/account").status_code == 401
