"""A browser that runs no scripts; its own, since Playwright's switch for it keeps `noscript` out of sight."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from auth_service.http.pages.catalogue import texts_in
from support.auth_api import PASSWORD, AuthApi
from support.chromium import chromium

pytestmark = pytest.mark.slow  # a browser of its own, and a person's whole way

TEXTS: Any = texts_in("en")
EMAIL = "linh@example.com"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def headed(page: Page, text: str) -> None:
    expect(page.locator("h1:visible")).to_have_text(text)


def test_without_javascript_a_person_signs_up_signs_in_and_forgets_the_password(
    account_site: str, accounts: AuthApi
) -> None:
    with chromium("--blink-settings=scriptEnabled=false") as browser:
        page = browser.new_page(locale="en-GB")
        page.goto(f"{account_site}/signup")
        expect(page.locator(".scripted:visible")).to_have_count(0)
        page.get_by_label(TEXTS["email"]).fill(EMAIL)
        page.get_by_label(TEXTS["password"], exact=True).fill(PASSWORD)
        press(page, TEXTS["signup"]["submit"])
        headed(page, TEXTS["sent"]["title"])
        page.get_by_label(TEXTS["code"]).fill(accounts.last_letter().code)
        press(page, TEXTS["confirm_code"])
        headed(page, TEXTS["done"]["title"])
        page.get_by_role("link", name=TEXTS["sign_in"]).click()
        page.get_by_label(TEXTS["email"]).fill(EMAIL)
        page.get_by_label(TEXTS["password"], exact=True).fill("the wrong password")
        press(page, TEXTS["signin"]["submit"])
        expect(
            page.get_by_role("alert").filter(has_text=TEXTS["problems"]["refused_sign_in"])
        ).to_be_focused()
        page.get_by_role("link", name=TEXTS["signin"]["forgot"]).click()
        page.get_by_label(TEXTS["email"]).fill(EMAIL)
        press(page, TEXTS["forgot"]["submit"])
        headed(page, TEXTS["sent"]["title"])
        # The fragment of the link is for scripts; without, the page asks for the link.
        link = f"{account_site}/reset#token={accounts.last_letter().link_token}"
        page.goto(link)
        page.get_by_label(TEXTS["link"]).fill(link)
        page.get_by_label(TEXTS["account"]["new_password"]).fill("nine herons above the old mill")
        press(page, TEXTS["reset"]["submit"])
        headed(page, TEXTS["reset"]["done_title"])
        page.get_by_role("link", name=TEXTS["sign_in"]).click()
        page.get_by_label(TEXTS["email"]).fill(EMAIL)
        page.get_by_label(TEXTS["password"], exact=True).fill("nine herons above the old mill")
        press(page, TEXTS["signin"]["submit"])
        headed(page, TEXTS["account"]["title"])
        press(page, TEXTS["account"]["sign_out"])
        headed(page, TEXTS["signin"]["title"])
