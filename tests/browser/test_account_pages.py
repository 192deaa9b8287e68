"""Signing in, and what an account's person sees: at two widths, in two languages, light and dark; axe finds nothing."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from auth_service.http.pages.catalogue import texts_in
from support.auth_api import PASSWORD, AuthApi
from support.chromium import Window
from support.person import long_ago
from support.signed_in import add_account, sign_in
from support.soundness import sound

pytestmark = pytest.mark.slow  # every page, looked at twice

ENGLISH: Any = texts_in("en")
VIETNAMESE: Any = texts_in("vi")
EMAIL = "linh@example.com"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def fill(page: Page, texts: Any, password: str = PASSWORD) -> None:
    page.get_by_label(texts["email"], exact=True).fill(EMAIL)
    page.get_by_label(texts["password"], exact=True).fill(password)


def refused(window: Window, *calls: str) -> None:
    for call in calls:
        window.watch.expect_refusal(f"POST {call}")


def looked_at(window: Window, page: Page, name: str) -> None:
    sound(window, page)
    window.picture(page, name)


def test_somebody_signs_in_on_a_desk_and_looks_at_the_account(
    desktop: Window, account_site: str, accounts: AuthApi
) -> None:
    add_account(accounts, EMAIL)
    sign_in(accounts, EMAIL, User_Agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1")
    refused(
        desktop,
        "/signin 422",
        "/signin 401",
        "/account/email 422",
        "/account/email 401",
        "/account/delete 403",
    )
    page = desktop.open(f"{account_site}/account")
    looked_at(desktop, page, "desktop-signin")
    press(page, ENGLISH["signin"]["submit"])
    expect(page.get_by_label(ENGLISH["email"], exact=True)).to_be_focused()
    sound(desktop, page)
    fill(page, ENGLISH, "the wrong password")
    press(page, ENGLISH["signin"]["submit"])
    expect(page.get_by_text(ENGLISH["problems"]["refused_sign_in"])).to_be_focused()
    looked_at(desktop, page, "desktop-signin-refused")
    fill(page, ENGLISH)
    press(page, ENGLISH["signin"]["submit"])
    expect(page.get_by_role("heading", level=1)).to_have_text(ENGLISH["account"]["title"])
    expect(page.locator("#devices li")).to_have_count(2)
    looked_at(desktop, page, "desktop-account")
    page.get_by_role("button", name="Safari on iPhone").click()
    expect(page.get_by_text(ENGLISH["account"]["saved"]["session"])).to_be_focused()
    expect(page.locator("#devices li")).to_have_count(1)
    page.goto(f"{account_site}/account#email")
    press(page, ENGLISH["account"]["email_submit"])
    expect(page.get_by_label(ENGLISH["account"]["new_email"])).to_be_focused()
    long_ago(accounts)
    page.get_by_label(ENGLISH["account"]["new_email"]).fill("other@example.com")
    press(page, ENGLISH["account"]["email_submit"])
    expect(page.locator("#email-its-you")).to_be_focused()
    page.get_by_text(ENGLISH["account"]["delete"]).first.click()
    page.locator("#delete-password").fill("the wrong password")
    press(page, ENGLISH["account"]["delete_submit"])
    expect(page.locator("#delete-password")).to_be_focused()
    looked_at(desktop, page, "desktop-account-flaws")
    press(page, ENGLISH["account"]["sign_out"])
    expect(page.get_by_text(ENGLISH["signin"]["signed_out"])).to_be_visible()


def test_a_vietnamese_on_a_phone_follows_the_links_of_emails(
    phone: Window, account_site: str, accounts: AuthApi
) -> None:
    add_account(accounts, EMAIL)
    texts = VIETNAMESE
    refused(phone, "/reset 422", "/signin-link 400")
    page = phone.open(f"{account_site}/signin")
    page.get_by_role("link", name=texts["signin"]["forgot"]).click()
    looked_at(phone, page, "phone-forgot")
    page.get_by_label(texts["email"], exact=True).fill(EMAIL)
    press(page, texts["forgot"]["submit"])
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    looked_at(phone, page, "phone-email-sent")

    token = accounts.last_letter().link_token
    page.goto(f"{account_site}/reset?lang=vi#token={token}")
    expect(page).to_have_url(f"{account_site}/reset?lang=vi")
    expect(page.get_by_label(texts["link"])).to_be_hidden()
    looked_at(phone, page, "phone-reset")
    page.get_by_label(texts["account"]["new_password"]).fill("ngắn quá")
    press(page, texts["reset"]["submit"])
    expect(page.get_by_label(texts["account"]["new_password"])).to_be_focused()
    page.get_by_label(texts["account"]["new_password"]).fill("chín con diệc bay qua cối xay cũ")
    press(page, texts["reset"]["submit"])
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["reset"]["done_title"])
    looked_at(phone, page, "phone-reset-done")

    page.goto(f"{account_site}/signin?lang=vi")
    page.get_by_label(texts["email"], exact=True).fill(EMAIL)
    press(page, texts["signin"]["by_email"])
    page.get_by_label(texts["code"]).fill("00000000")
    press(page, texts["signin"]["submit"])
    expect(page.get_by_label(texts["code"])).to_be_focused()
    looked_at(phone, page, "phone-code")
    page.goto(f"{account_site}/signin-link?lang=vi")
    looked_at(phone, page, "phone-signin-link")
    # Pasted into the open tab, which loads no page.
    page.goto(f"{account_site}/signin-link?lang=vi#token={accounts.last_letter().link_token}")
    expect(page).to_have_url(f"{account_site}/signin-link?lang=vi")
    looked_at(phone, page, "phone-signin-link-token")
    press(page, texts["signin"]["submit"])
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["account"]["title"])
    looked_at(phone, page, "phone-account")
    for path in ("confirm-email", "revert-email"):
        page.goto(f"{account_site}/{path}?lang=vi")
        sound(phone, page)
        page.goto(f"{account_site}/{path}?lang=vi#token=abc")
        looked_at(phone, page, f"phone-{path}")
    assert not [request for request in phone.watch.requests if token in request]
