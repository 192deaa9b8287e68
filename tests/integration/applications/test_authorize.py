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
    assert "code" in came_back(phone.pressed(visitor), to=PHONE_BACK)
    for uri, good in (
        ("http://127.0.0.1:53187/back", True),
        ("http://127.0.0.1/back", True),
        ("http://127.0.0.1:53187/other", False),
        ("http://localhost:53187/back", False),
        ("http://127.0.0.1.evil.example:1/back", False),
        ("http://127.0.0.1:1@evil.example/back", False),
        ("https://127.0.0.1:53187/back", False),
    ):
        assert phone.asked(visitor, redirect_uri=uri).status_code == (200 if good else 400), uri
        if good:
            assert "code" in came_back(phone.pressed(visitor, redirect_uri=uri), to=uri)


DEVICES = (PHONE_BACK, LOOPBACK, "http://127.0.0.1:53187/back")


@pytest.mark.parametrize("uri", DEVICES)
def test_a_program_on_a_device_gets_no_code_until_the_person_presses(
    api: AuthApi, visitor: Visitor, uri: str
) -> None:
    phone = Client.public(api).but(redirect_uri=uri)
    asked = came_back(phone.asked(visitor, prompt="none"), to=uri)
    assert (asked["error"], "code" in asked) == ("interaction_required", False)
    page = visitor.open(phone.address(ui_locales="vi"))
    assert page.status_code == 200
    for said in ("Tiếp tục đến The Phone", EMAIL, "again=1"):
        assert said in page.text
    # Browsers follow a form to another site only where the page says so.
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' {uri.partition(':')[0]}:;" in policy
    kept = visitor.hidden("/v1/authorize")
    stranger = Visitor.of(api)
    stranger.open("/signin")
    for wrong in ("", "0" * 64, stranger.hidden("/signin")["form_token"]):
        refused = visitor.post(phone.address(), form_token=wrong)
        assert (refused.status_code, "Location" in refused.headers) == (403, False)
    assert api.sql("SELECT count(*) FROM authorization_codes") == [(0,)]
    assert came_back(visitor.post(phone.address(), **kept), to=uri).keys() == CALLED_BACK_WITH


def test_the_button_is_worth_nothing_after_another_sign_in(api: AuthApi, visitor: Visitor) -> None:
    phone = Client.public(api)
    visitor.open(phone.address())
    kept = visitor.hidden("/v1/authorize")
    add_account(api, "an@example.com")
    visitor.open("/signin?again=1")
    visitor.send("/signin", email="an@example.com", password=PASSWORD)
    refused = visitor.post(phone.address(), **kept)
    assert (refused.status_code, "Location" in refused.headers) == (403, False)
    assert "an@example.com" in refused.text, "asked once more, as whom"


def test_who_is_asked_may_use_another_account(api: AuthApi, visitor: Visitor) -> None:
    phone = Client.public(api)
    other = visitor.open(phone.address()).text.split('class="choices"><a href="')[1].split('"')[0]
    visitor.open(other.replace("&amp;", "&"))
    add_account(api, "an@example.com")
    answer = visitor.post("/signin", **visitor.hidden("/signin"), email="an@example.com", password=PASSWORD)
    way = answer.text.split('content="0;url=')[1].split('"')[0].replace("&amp;", "&")
    assert "an@example.com" in visitor.open(way).text


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
    page = visitor.send("/signin-link", token=token)
    # The link may be somebody else's, who would have them work in an account of his: they see whose it is, and press.
    assert "http-equiv" not in page.text
    assert (EMAIL in page.text, "Continue to The Shop" in page.text) == (True, True)
    way = page.text.split('class="button" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "code" in came_back(visitor.client.get(way))


def test_an_error_that_is_none_of_the_applications_is_said_on_a_page(shop: Client, visitor: Visitor) -> None:
    shop.api.sql("ALTER TABLE authorization_codes RENAME TO away")
    answer = shop.asked(visitor)
    shop.api.sql("ALTER TABLE away RENAME TO authorization_codes")
    assert answer.status_code == 500
    assert BACK not in answer.text


def test_no_account_gets_more_codes_than_a_person_needs(api: AuthApi, shop: Client, visitor: Visitor) -> None:
    for _ in range(20):
        assert "code" in came_back(shop.asked(visitor))
    refused = shop.asked(visitor)
    assert (refused.status_code, "Location" in refused.headers) == (429, False)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "state=a+state" in refused.text, "trying again is the same request"
    phone = Client.public(api)
    visitor.open(phone.address())
    pressed = visitor.post(phone.address(), **visitor.hidden("/v1/authorize"))
    assert (pressed.status_code, "Location" in pressed.headers) == (429, False)
    assert api.sql("SELECT count(*) FROM authorization_codes") == [(20,)]
    add_account(api, "an@example.com")
    other = Visitor.of(api)
    other.sign_in("an@example.com")
    assert "code" in came_back(shop.asked(other))


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


def test_get_head_and_options_use_nothing_up_and_only_get_issues_a_code(
    shop: Client, visitor: Visitor
) -> None:
    code = shop.code(visitor)
    answer = visitor.client.head(shop.address(), headers={"User-Agent": FIREFOX})
    assert "Location" not in answer.headers
    visitor.client.options(shop.address())
    assert shop.api.sql("SELECT count(*) FROM authorization_codes") == [(1,)]
    assert shop.exchange(code).status_code == 200
