"""A browser that runs no scripts; its own, since Playwright's switch for it keeps `noscript` out of sight."""

from typing import Any

from playwright.sync_api import expect

from auth_service.http.pages.catalogue import texts_in
from support.chromium import chromium

TEXTS: Any = texts_in("en")


def test_without_javascript_a_page_says_what_to_do_and_shows_nothing_that_does_nothing(site: str) -> None:
    with chromium("--blink-settings=scriptEnabled=false") as browser:
        page = browser.new_page(locale="en-GB")
        for path in ("signup", "verify", "refuse"):
            page.goto(f"{site}/{path}")
            expect(page.locator("noscript .notice")).to_be_visible()
            expect(page.locator("h1:visible")).to_have_count(1)
            expect(page.locator("form:visible, button:visible, input:visible")).to_have_count(0)
        page.goto(f"{site}/signin")
        expect(page.get_by_text(TEXTS["signin"]["where"])).to_be_visible()
