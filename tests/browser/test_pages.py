"""The pages when something is missing or wrong, and those for application teams and operators."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from auth_service.http.pages.catalogue import texts_in
from support.chromium import DESKTOP, PHONE, Window, window
from support.people import PASSWORD
from support.stack import Stack

pytestmark = pytest.mark.slow  # a window of its own for each

TEXTS: Any = texts_in("en")
DEVICES = {"desktop": DESKTOP, "phone": PHONE}


# The narrower one is the harder one; the other one's turn is among the long tests.
@pytest.fixture(params=["desktop", "phone"])
def name(request: pytest.FixtureRequest) -> str:
    """What the window is called in the names of pictures."""
    return str(request.param)


@pytest.fixture
def view(browser: Browser, pictures: Path, name: str) -> Iterator[Window]:
    with window(browser, device=DEVICES[name], pictures=pictures) as opened:
        yield opened


def submit(page: Page) -> None:
    page.get_by_role("button", name=TEXTS["signup"]["submit"]).click()


def break_a_page(window: Window, address: str) -> None:
    page = window.open(address)
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://192.0.2.1/x.png'}))")
    with page.expect_event("pageerror"):
        page.evaluate("void setTimeout(() => { throw new Error('nobody catches this') })")


def test_a_form_says_at_each_field_what_it_lacks_and_asks_nobody(
    view: Window, name: str, stack: Stack
) -> None:
    page = view.open(f"{stack.api}/signup")
    page.get_by_label(TEXTS["email"], exact=True).fill("ann")
    page.get_by_label(TEXTS["password"], exact=True).fill("too short")
    submit(page)

    expect(page.get_by_text(TEXTS["flaws"]["invalid_address"])).to_be_visible()
    expect(page.get_by_text(TEXTS["flaws"]["too_short"].replace("{min}", "15"))).to_be_visible()
    expect(page.get_by_label(TEXTS["email"], exact=True)).to_be_focused()
    assert view.watch.changes == []
    view.picture(page, f"{name}-flaws")
    view.assert_fits(page)


@pytest.mark.parametrize(
    ("address", "password", "flaw"),
    [("ann@localhost", PASSWORD, "invalid_address"), ("ann@example.com", "passwordpassword", "guessable")],
)
def test_a_flaw_only_the_server_sees_stands_at_its_field_too(
    desktop: Window, stack: Stack, address: str, password: str, flaw: str
) -> None:
    page = desktop.open(f"{stack.api}/signup")
    page.get_by_label(TEXTS["email"], exact=True).fill(address)
    page.get_by_label(TEXTS["password"], exact=True).fill(password)
    desktop.watch.expect_refusal("POST /v1/registrations 422")
    submit(page)

    expect(page.get_by_text(TEXTS["flaws"][flaw])).to_be_visible()


def test_a_password_can_be_looked_at_while_it_is_typed(desktop: Window, stack: Stack) -> None:
    page = desktop.open(f"{stack.api}/signup")
    field = page.get_by_label(TEXTS["password"], exact=True)
    field.fill(PASSWORD)
    expect(field).to_have_attribute("type", "password")
    page.get_by_role("button", name=TEXTS["show"]).click()
    expect(field).to_have_attribute("type", "text")


def test_the_verify_page_without_its_link_takes_the_code_instead(
    view: Window, name: str, stack: Stack
) -> None:
    page = view.open(f"{stack.api}/verify")
    expect(page.get_by_role("heading", name=TEXTS["verify"]["missing_title"])).to_be_visible()
    view.picture(page, f"{name}-verify-without-link")
    view.assert_fits(page)


def test_half_a_link_is_called_so(view: Window, name: str, stack: Stack) -> None:
    page = view.open(f"{stack.api}/verify#token=abc")
    view.watch.expect_refusal("POST /v1/verifications 400")
    page.get_by_role("button", name=TEXTS["verify"]["submit"]).click()
    expect(page.get_by_text(TEXTS["problems"]["unknown_link"])).to_be_visible()
    view.picture(page, f"{name}-verify-half-a-link")


def test_the_refusal_page_asks_the_server_about_its_link(desktop: Window, stack: Stack) -> None:
    page = desktop.open(f"{stack.api}/refuse#token=abc")
    desktop.watch.expect_refusal("POST /v1/refusals 400")
    page.get_by_role("button", name=TEXTS["refuse"]["submit"]).click()
    expect(page.get_by_text(TEXTS["refuse"]["missing_lead"])).to_be_visible()


def test_the_description_of_the_api_fits_its_window(view: Window, name: str, stack: Stack) -> None:
    page = view.open(f"{stack.api}/docs")
    expect(page.get_by_text("/v1/registrations", exact=True).first).to_be_visible()
    view.picture(page, f"{name}-docs")
    view.assert_fits(page)


def test_an_empty_search_in_the_inbox_says_so(view: Window, name: str, stack: Stack) -> None:
    page = view.open(stack.inbox)
    page.get_by_role("searchbox").fill("nobody has this name")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    view.picture(page, f"{name}-inbox-nothing-found")
    view.assert_fits(page)


def test_a_page_that_breaks_its_own_policy_or_throws_would_be_noticed(
    browser: Browser, pictures: Path, stack: Stack
) -> None:
    with pytest.raises(AssertionError), window(browser, device=DESKTOP, pictures=pictures) as watched:
        break_a_page(watched, f"{stack.api}/signup")

    assert watched.watch.elsewhere == ["https://192.0.2.1/x.png"]
    complaints = "\n".join(watched.watch.complaints)
    assert "Content Security Policy" in complaints
    assert "nobody catches this" in complaints


def test_flower_asks_for_its_login_and_shows_the_mailers(
    browser: Browser, pictures: Path, stack: Stack
) -> None:
    user, password = stack.flower_login
    assert httpx.get(stack.flower, trust_env=False).status_code == 401
    with window(browser, device=DESKTOP, pictures=pictures, login=(user, password)) as operator:
        page = operator.open(stack.flower)
        expect(page.get_by_role("link", name="mailer-").first).to_be_visible()
        operator.picture(page, "desktop-flower")
