"""What the pages behind the links of an email make of each answer: confirming, and "this wasn't me"."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from auth_service.http.pages.catalogue import texts_in
from support.chromium import Window
from support.people import PASSWORD
from support.scripted_api import Answer, ScriptedApi, problem

pytestmark = pytest.mark.slow  # a window of its own for each

TEXTS: Any = texts_in("en")
ADDRESS = "linh@example.com"
VERIFY, REFUSE, LIFT = "POST /v1/verifications", "POST /v1/refusals", "POST /v1/refusals/lift"
CONFIRMED = Answer(body={"email": ADDRESS, "verified_at": "2027-01-31T09:31:00Z"})
NEEDED = problem(409, "password_needed")
KEPT = """
  localStorage.setItem("postern.secrets", JSON.stringify([
    {secret: "newer", until: Date.now() + 9e6}, {secret: "older", until: Date.now() + 9e6}, {secret: "gone", until: 1}]))
"""


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def headed(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def refused(window: Window, call: str, status: int, times: int = 1) -> None:
    for _ in range(times):
        window.watch.expect_refusal(f"{call} {status}")


def test_a_link_pasted_into_the_open_tab_is_taken_and_leaves_the_address_bar(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    api.on(VERIFY, CONFIRMED)
    page = desktop.open(f"{site}/verify?lang=en")
    headed(page, TEXTS["verify"]["missing_title"])
    page.goto(f"{site}/verify?lang=en#token=pasted")
    headed(page, TEXTS["verify"]["title"])
    expect(page).to_have_url(f"{site}/verify?lang=en")
    assert api.asked == []
    press(page, TEXTS["verify"]["submit"])
    headed(page, TEXTS["done"]["title"])
    assert api.bodies(VERIFY) == [{"token": "pasted"}]


def test_the_secrets_this_browser_kept_are_tried_in_turn_so_that_one_press_is_all(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    api.on(VERIFY, NEEDED, CONFIRMED)
    refused(desktop, VERIFY, 409)
    page = desktop.open(f"{site}/signin")
    page.evaluate(KEPT)
    page = desktop.open(f"{site}/verify#token=abc")
    press(page, TEXTS["verify"]["submit"])
    headed(page, TEXTS["done"]["title"])
    expect(page.get_by_role("link", name=TEXTS["sign_in"])).to_have_attribute("href", "/signin?lang=en")
    assert [body["registration_secret"] for body in api.bodies(VERIFY)] == ["newer", "older"]
    assert page.evaluate("localStorage.length") == 0


def test_on_another_device_the_page_asks_for_a_password_and_nothing_is_used_up(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    guessable = {"pointer": "#/password", "code": "guessable", "detail": "…", "params": {}}
    api.on(VERIFY, NEEDED, problem(422, "invalid_fields", errors=[guessable]), None, CONFIRMED)
    refused(desktop, VERIFY, 409)
    refused(desktop, VERIFY, 422)
    page = desktop.open(f"{site}/verify#token=abc")
    press(page, TEXTS["verify"]["submit"])
    headed(page, TEXTS["choose"]["title"])
    field = page.get_by_label(TEXTS["password"], exact=True)
    press(page, TEXTS["confirm_code"])
    expect(page.get_by_text(TEXTS["flaws"]["missing_password"])).to_be_visible()
    field.fill("passwordpassword")
    press(page, TEXTS["confirm_code"])
    expect(page.get_by_text(TEXTS["flaws"]["guessable"])).to_be_visible()
    expect(field).to_be_focused()
    field.fill(PASSWORD)
    press(page, TEXTS["confirm_code"])
    expect(page.get_by_text(TEXTS["problems"]["offline"])).to_be_visible()
    press(page, TEXTS["confirm_code"])
    headed(page, TEXTS["done"]["title"])
    assert api.bodies(VERIFY)[-1] == {"token": "abc", "password": PASSWORD}
    desktop.watch.forgive("net::ERR_FAILED")


@pytest.mark.parametrize("code", ["already_confirmed", "used_link"])
def test_who_is_confirmed_is_told_to_sign_in(desktop: Window, site: str, api: ScriptedApi, code: str) -> None:
    api.on(VERIFY, problem(410, code))
    refused(desktop, VERIFY, 410)
    page = desktop.open(f"{site}/verify#token=abc")
    press(page, TEXTS["verify"]["submit"])
    headed(page, TEXTS["verify"]["used_title"])
    expect(page.get_by_text("You're already confirmed. Sign in.")).to_be_visible()
    expect(page.get_by_role("link", name=TEXTS["sign_in"])).to_be_visible()


@pytest.mark.parametrize(
    ("code", "by_code"),
    [
        ("unknown_link", True),
        ("replaced_link", True),
        ("expired_link", False),
        ("refused_registration", False),
    ],
)
def test_a_link_that_is_no_good_says_why_and_the_way_on(
    desktop: Window, site: str, api: ScriptedApi, code: str, by_code: bool
) -> None:
    status = 400 if code == "unknown_link" else 410
    api.on(VERIFY, problem(status, code))
    refused(desktop, VERIFY, status)
    page = desktop.open(f"{site}/verify?lang=en#token=abc")
    press(page, TEXTS["verify"]["submit"])
    headed(page, TEXTS["verify"]["failed_title"])
    expect(page.get_by_text(TEXTS["problems"][code])).to_be_visible()
    assert page.get_by_label(TEXTS["code"]).is_visible() == by_code
    expect(page.get_by_role("link", name=TEXTS["to_signup"])).to_have_attribute("href", "/signup?lang=en")
    page.goto(f"{site}/verify?lang=en#token=another")
    headed(page, TEXTS["verify"]["title"])


def test_what_passes_by_itself_leaves_the_button_where_it_is(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    api.on(VERIFY, problem(503, "database_unavailable"), CONFIRMED)
    refused(desktop, VERIFY, 503)
    page = desktop.open(f"{site}/verify#token=abc")
    press(page, TEXTS["verify"]["submit"])
    expect(page.get_by_text(TEXTS["problems"]["database_unavailable"])).to_be_visible()
    expect(page.get_by_role("button", name=TEXTS["verify"]["submit"])).to_be_focused()
    press(page, TEXTS["verify"]["submit"])
    headed(page, TEXTS["done"]["title"])


def test_a_code_without_its_page_is_tried_alone_first_and_then_with_what_this_browser_kept(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    wrong = problem(400, "refused_code")
    api.on(VERIFY, wrong, NEEDED, wrong, CONFIRMED)
    for status in (400, 409, 400):
        refused(desktop, VERIFY, status)
    page = desktop.open(f"{site}/signin")
    page.evaluate(KEPT)
    page = desktop.open(f"{site}/verify")
    press(page, TEXTS["confirm_code"])
    expect(page.get_by_text(TEXTS["flaws"]["missing_email"])).to_be_visible()
    expect(page.locator("#code-flaw")).to_have_text(TEXTS["flaws"]["missing_code"])
    page.get_by_label(TEXTS["email"], exact=True).fill(ADDRESS)
    page.get_by_label(TEXTS["code"]).fill("1234 5678")
    press(page, TEXTS["confirm_code"])
    expect(page.get_by_text(TEXTS["problems"]["refused_code"])).to_be_visible()
    press(page, TEXTS["confirm_code"])
    headed(page, TEXTS["done"]["title"])
    typed = {"email": ADDRESS, "code": "12345678"}
    secrets = ({"registration_secret": secret} for secret in ("newer", "older"))
    assert api.bodies(VERIFY) == [typed, typed, *(typed | secret for secret in secrets)]


def test_this_wasnt_me_is_one_button_and_can_be_taken_back(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    api.on(REFUSE, Answer(status=204))
    api.on(LIFT, Answer(status=204))
    page = desktop.open(f"{site}/refuse?lang=en#token=abc")
    headed(page, TEXTS["refuse"]["title"])
    expect(page).to_have_url(f"{site}/refuse?lang=en")
    assert api.asked == []
    press(page, TEXTS["refuse"]["submit"])
    headed(page, TEXTS["refuse"]["done_title"])
    expect(page.get_by_text(TEXTS["refuse"]["done_lead"])).to_be_visible()
    press(page, TEXTS["refuse"]["lift"])
    headed(page, TEXTS["refuse"]["lifted_title"])
    expect(page.get_by_role("link", name=TEXTS["refuse"]["sign_up"])).to_have_attribute(
        "href", "/signup?lang=en"
    )
    assert api.asked == [(REFUSE, {"token": "abc"}), (LIFT, {"token": "abc"})]


def test_this_wasnt_me_without_its_link_says_so(desktop: Window, site: str, api: ScriptedApi) -> None:
    api.on(REFUSE, problem(400, "unknown_link"))
    refused(desktop, REFUSE, 400)
    page = desktop.open(f"{site}/refuse")
    headed(page, TEXTS["refuse"]["title"])
    expect(page.get_by_label(TEXTS["link"])).to_be_visible()
    page.goto(f"{site}/refuse#token=half")
    press(page, TEXTS["refuse"]["submit"])
    headed(page, TEXTS["verify"]["failed_title"])
    expect(page.get_by_text(TEXTS["refuse"]["missing_lead"])).to_be_visible()


@pytest.mark.parametrize("path", ["verify", "refuse"])
def test_the_other_language_keeps_the_link(desktop: Window, site: str, api: ScriptedApi, path: str) -> None:
    api.on(VERIFY, CONFIRMED)
    api.on(REFUSE, Answer(status=204))
    vietnamese: Any = texts_in("vi")
    page = desktop.open(f"{site}/{path}?lang=en#token=abc")
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page).to_have_url(f"{site}/{path}?lang=vi")
    press(page, vietnamese[path]["submit"])
    expect(page.get_by_role("heading", level=1)).to_have_text(
        vietnamese["done"]["title"] if path == "verify" else vietnamese["refuse"]["done_title"]
    )
    assert [body["token"] for _, body in api.asked] == ["abc"]
