"""① `/v1/authorize`: people are sent back to registered addresses only, with a code that PKCE binds to who asked."""

from collections.abc import Sequence
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest

from auth_service.http.pages.way_home import WAY_COOKIE
from support.applications import BACK, LOOPBACK, PHONE_BACK, Client, came_back
from support.auth_api import PASSWORD, PUBLIC_URL, AuthApi
from support.person import long_ago
from support.signed_in import FIREFOX, add_account
from support.visitor import Visitor

EMAIL = "linh@example.com"
CALLED_BACK_WITH = {"code", "state", "iss"}


def test_a_person_signs_in_on_our_pages_and_is_sent_back_with_a_code(api: AuthApi, shop: Client) -> None:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    page = visitor.open(shop.address())
    assert "Sign in" in page.text
    answer = visitor.post("/signin", **visitor.hidden("/signin"), email=EMAIL, password=PASSWORD)
    assert answer.status_code == 200, "a form may not lead to another site, a page may"
    way = answer.text.split('content="0;url=')[1].split('"')[0].replace("&amp;", "&")
    back = came_back(visitor.client.get(way))
    assert back.keys() == CALLED_BACK_WITH
    assert (back["state"], back["iss"]) == (shop.state, PUBLIC_URL)
    assert visitor.cookie(WAY_COOKIE) is None, "they have gone home"


def test_who_is_signed_in_is_sent_back_at_once(shop: Client, visitor: Visitor) -> None:
    answer = shop.asked(visitor)
    assert came_back(answer).keys() == CALLED_BACK_WITH
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


NOT_REGISTERED = (
    "https://evil.example/back",
    "https://shop.example/back/",
    "https://shop.example/back?next=https://evil.example",
    "https://shop.example/back#fragment",
    "https://shop.example/BACK",
    "https://shop.example:443/back",
    "https://shop.example.evil.example/back",
    "https://user@shop.example/back",
    "https://shop.example/back/../evil",
    "https://shop.example%2fback",
    "http://shop.example/back",
    "//shop.example/back",
    "javascript:alert(1)",
    "",
    None,
    LOOPBACK,
    "https://bank.example/back",
)


def test_nobody_is_sent_to_an_address_that_is_not_registered_to_the_character(
    shop: Client, visitor: Visitor
) -> None:
    others: Sequence[dict[str, str | None]] = (
        {},
        {"response_type": "token"},
        {"code_challenge": None},
        {"prompt": "none"},
    )
    for uri, changes in product(NOT_REGISTERED, others):
        answer = shop.asked(visitor, redirect_uri=uri, **changes)
        assert answer.status_code == 400, uri
        assert "Location" not in answer.headers
        assert "evil" not in answer.text
        assert "This link doesn" in answer.text


def test_an_unknown_application_gets_nobody_back(shop: Client, visitor: Visitor) -> None:
    for client_id in ("nobody", "postern", "SHOP", "", None, "shop\x00", "shöp"):
        answer = shop.asked(visitor, client_id=client_id)
        assert answer.status_code == 400, client_id
        assert "Location" not in answer.headers


def test_what_stands_twice_in_the_address_is_refused(shop: Client, visitor: Visitor) -> None:
    for twice in ("redirect_uri=https://evil.example", "client_id=bank", "code_challenge=x", "state=y"):
        answer = visitor.client.get(f"{shop.address()}&{twice}")
        assert answer.status_code == 400
        assert "Location" not in answer.headers


WRONG: Sequence[tuple[dict[str, str | None], str]] = (
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": "s256"}, "invalid_request"),
    ({"code_challenge": "x" * 42}, "invalid_request"),
    ({"code_challenge": "x" * 44}, "invalid_request"),
    ({"code_challenge": "~" * 43}, "invalid_request"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": "openid"}, "invalid_scope"),
    ({"prompt": "consent"}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
)


def test_what_is_wrong_is_told_the_application_and_pkce_is_never_left_out(
    shop: Client, visitor: Visitor
) -> None:
    for changes, error in WRONG:
        back = came_back(shop.asked(visitor, **changes))
        assert (back["error"], back["state"], back["iss"]) == (error, shop.state, PUBLIC_URL), changes
        assert "code" not in back


def test_a_redirect_uri_with_a_query_keeps_it(shop: Client, visitor: Visitor) -> None:
    other = shop.but(redirect_uri="https://shop.example/other?from=gate")
    back = came_back(other.asked(visitor), to="https://shop.example/other")
    assert back["from"] == "gate"
    assert "code" in back


def test_a_public_application_is_sent_back_to_its_scheme_or_any_port_of_loopback(
    api: AuthApi, visitor: Visitor
) -> None:
    phone = Client.public(api)
    assert "code" in came_back(phone.asked(visitor), to=PHONE_BACK)
    for uri, good in (
        ("http://127.0.0.1:53187/back", True),
        ("http://127.0.0.1/back", True),
        ("http://127.0.0.1:53187/other", False),
        ("http://localhost:53187/back", False),
        ("http://127.0.0.1.evil.example:1/back", False),
        ("http://127.0.0.1:1@evil.example/back", False),
        ("https://127.0.0.1:53187/back", False),
    ):
        assert (phone.asked(visitor, redirect_uri=uri).status_code == 303) is good, uri


def test_prompt_none_asks_nobody_for_anything(api: AuthApi, shop: Client, visitor: Visitor) -> None:
    assert "code" in came_back(shop.asked(visitor, prompt="none"))
    assert came_back(shop.asked(Visitor.of(api), prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize("asking", [{"prompt": "login"}, {"max_age": "0"}])
def test_who_must_sign_in_again_is_asked_once(
    api: AuthApi, shop: Client, visitor: Visitor, asking: dict[str, str]
) -> None:
    long_ago(api)
    first = shop.asked(visitor, **asking)
    assert first.headers["Location"].startswith("/signin?")
    assert came_back(shop.asked(visitor, prompt="none", max_age="600"))["error"] == "login_required"
    visitor.open(first.headers["Location"])
    (way,) = parse_qs(urlsplit(first.headers["Location"]).query)["continue"]
    assert visitor.client.get(way).headers["Location"].startswith("/signin?"), "not before they did"
    answer = visitor.post("/signin", **visitor.hidden("/signin"), email=EMAIL, password=PASSWORD)
    assert answer.status_code == 200
    assert "code" in came_back(visitor.client.get(way))


def test_who_came_to_sign_up_is_led_to_that_page(api: AuthApi, shop: Client) -> None:
    led = shop.asked(Visitor.of(api), prompt="create", ui_locales="vi en")
    assert led.headers["Location"].startswith("/signup?lang=vi&continue=")


def test_whoever_came_from_an_application_is_led_home_from_any_tab(api: AuthApi, shop: Client) -> None:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.open(shop.address())
    assert api.post("/v1/sign-in-links", {"email": EMAIL}).status_code == 202
    # The link of the email opens a page that knows nothing of where they came from.
    visitor.open("/signin-link")
    token = api.last_letter().link_token
    page = visitor.post("/signin-link", **{**visitor.hidden("/signin-link"), "token": token})
    assert "/v1/authorize?response_type=code" in page.text


def test_an_error_that_is_none_of_the_applications_is_said_on_a_page(shop: Client, visitor: Visitor) -> None:
    shop.api.sql("ALTER TABLE authorization_codes RENAME TO away")
    answer = shop.asked(visitor)
    shop.api.sql("ALTER TABLE away RENAME TO authorization_codes")
    assert answer.status_code == 500
    assert BACK not in answer.text


def test_pages_wear_the_applications_name_and_colours(api: AuthApi, shop: Client) -> None:
    visitor = Visitor.of(api)
    page = visitor.open(shop.address()).text
    assert "<span>SHOP!</span>" in page
    assert "The Shop</title>" in page
    assert "--accent: #7a1fa2" in page
    assert "--accent: #d7a6ee" in page
    for elsewhere in ("/signup", "/forgot", "/verify"):
        assert "SHOP!" in visitor.open(elsewhere).text, elsewhere
    assert "SHOP!" not in Visitor.of(api).open("/signin").text


def test_who_signs_up_by_the_form_is_remembered_as_the_applications(api: AuthApi, shop: Client) -> None:
    visitor = Visitor.of(api)
    visitor.open(shop.address(prompt="create"))
    visitor.send("/signup", email=EMAIL, password=PASSWORD)
    assert api.sql("SELECT client_id FROM registrations") == [("shop",)]


def test_the_way_home_is_kept_in_a_cookie_for_this_host_and_leads_nowhere_else(
    api: AuthApi, shop: Client
) -> None:
    answer = shop.asked(Visitor.of(api))
    (kept,) = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith(WAY_COOKIE)]
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1800"):
        assert word in kept
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.client.set_cookie(WAY_COOKIE, "aHR0cHM6Ly9ldmlsLmV4YW1wbGU", secure=True)  # https://evil.example
    visitor.open("/signin")
    answer = visitor.post("/signin", **visitor.hidden("/signin"), email=EMAIL, password=PASSWORD)
    assert answer.headers["Location"].startswith("/account")


def test_get_head_and_options_use_nothing_up(shop: Client, visitor: Visitor) -> None:
    code = shop.code(visitor)
    visitor.client.head(shop.address(), headers={"User-Agent": FIREFOX})
    visitor.client.options(shop.address())
    assert shop.exchange(code).status_code == 200
