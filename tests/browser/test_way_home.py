"""Somebody comes from an application, signs in on our pages, and is back: no policy of ours keeps a browser from it."""

from collections.abc import Iterator
from typing import Any

import flask
import pytest
from playwright.sync_api import Page, expect

from auth_service.http.pages.catalogue import texts_in
from support.applications import APPLICATIONS, LOOPBACK, Client
from support.auth_api import PASSWORD, AuthApi
from support.chromium import Window
from support.database import Database
from support.scripted_api import serving
from support.signed_in import add_account
from support.soundness import sound

pytestmark = pytest.mark.slow  # every page, looked at twice

TEXTS: Any = texts_in("en")
EMAIL = "linh@example.com"


@pytest.fixture
def accounts(auth_database: Database) -> AuthApi:
    return AuthApi.on(
        auth_database.url,
        owner_url=auth_database.migrator_url,
        public_url="http://127.0.0.1",
        applications=APPLICATIONS,
    )


@pytest.fixture
def landing() -> Iterator[str]:
    """A program of the person's own, at another origin than ours: it waits for the browser to come back."""
    app = flask.Flask("phone")
    app.add_url_rule("/back", view_func=lambda: f"back with {sorted(flask.request.args)}")
    with serving(app) as address:
        yield address


def sign_in(page: Page) -> None:
    page.get_by_label(TEXTS["email"], exact=True).fill(EMAIL)
    page.get_by_label(TEXTS["password"], exact=True).fill(PASSWORD)
    page.get_by_role("button", name=TEXTS["signin"]["submit"], exact=True).first.click()


def go_on(page: Page) -> None:
    page.get_by_role("button", name=TEXTS["signin"]["go_on"], exact=True).click()


def test_a_person_comes_signs_in_presses_and_is_back_and_the_next_time_needs_no_password(
    desktop: Window, account_site: str, accounts: AuthApi, landing: str
) -> None:
    add_account(accounts, EMAIL)
    phone = Client.public(accounts).but(redirect_uri=LOOPBACK.replace("http://127.0.0.1", landing))
    page = desktop.open(account_site + phone.address())
    expect(page.get_by_text("The Phone", exact=True)).to_be_visible()
    sign_in(page)
    expect(page.get_by_text(EMAIL, exact=True)).to_be_visible()
    sound(desktop, page)
    go_on(page)
    expect(page.locator("body")).to_have_text("back with ['code', 'iss', 'state']")
    page.goto(account_site + phone.address(prompt="login"))
    sign_in(page)
    go_on(page)
    expect(page.locator("body")).to_have_text("back with ['code', 'iss', 'state']")
    page.goto(account_site + phone.address())
    go_on(page)
    expect(page.locator("body")).to_have_text("back with ['code', 'iss', 'state']")


def test_pages_wear_the_colours_of_whoever_sends_people_and_can_be_read(
    desktop: Window, phone: Window, account_site: str, accounts: AuthApi
) -> None:
    shop = Client(api=accounts)
    for window, device in ((desktop, "desktop"), (phone, "phone")):
        page = window.open(account_site + shop.address())
        expect(page.get_by_text("SHOP!", exact=True)).to_be_visible()
        sound(window, page)
        window.picture(page, f"{device}-signin-of-a-shop")
        page.goto(f"{account_site}/signup")
        expect(page.get_by_text("SHOP!", exact=True)).to_be_visible()
        sound(window, page)
