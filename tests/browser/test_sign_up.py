"""Signing up as people do it: in a browser, with the letter opened in another tab."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from auth_service.http.pages.catalogue import texts_in
from support.chromium import Window
from support.eventually import eventually
from support.people import PASSWORD, Mailbox, addresses
from support.stack import Stack

ENGLISH: Any = texts_in("en")
VIETNAMESE: Any = texts_in("vi")
POSTED = "POST /v1/verifications"


@pytest.fixture
def mailbox(stack: Stack) -> Iterator[Mailbox]:
    with Mailbox(stack.inbox) as mailbox:
        yield mailbox


@pytest.fixture
def address() -> str:
    return addresses(1)[0]


def register(page: Page, address: str, texts: Any) -> None:
    page.get_by_label(texts["email"], exact=True).fill(address)
    page.get_by_label(texts["password"], exact=True).fill(PASSWORD)
    page.get_by_role("button", name=texts["signup"]["submit"]).click()
    expect(page.get_by_role("heading", name=texts["sent"]["title"])).to_be_focused()
    expect(page.locator("#sent-address")).to_have_text(address)


def see_it_sent(page: Page, texts: Any) -> None:
    """The page follows the letter by itself."""
    expect(page.get_by_role("listitem").last).to_contain_text(texts["states"]["sent"])


def read_letter(window: Window, stack: Stack, address: str, subject: str) -> Page:
    inbox = window.open(stack.inbox)
    inbox.get_by_role("link", name=address).click()
    expect(inbox.get_by_role("heading", name=subject)).to_be_visible()
    return inbox


def link_in(inbox: Page) -> Locator:
    """The button of the letter's HTML part, which lies in a frame that may do nothing but open links."""
    frame = inbox.get_by_title("HTML part of the letter")
    assert frame.get_attribute("sandbox") == "allow-popups allow-popups-to-escape-sandbox"
    return frame.content_frame.locator("a[href*='#token=']").first


def follow(link: Locator, texts: Any) -> Page:
    page = eventually(lambda: popup_of(link), within=30)
    expect(page.get_by_role("button", name=texts["verify"]["submit"])).to_be_visible()
    return page


def popup_of(link: Locator) -> Page:
    """The page that the link opens. Chromium passes over clicks into a frame that has just moved; that fails the assertion."""
    try:
        with link.page.expect_popup(timeout=5_000) as opened:
            link.click()
    except Error as error:
        raise AssertionError(error.message) from error
    return opened.value


def test_a_person_signs_up_follows_the_letters_link_and_confirms_once(
    desktop: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    page = desktop.open(f"{stack.api}/signup")
    desktop.picture(page, "desktop-1-signup")
    register(page, address, ENGLISH)
    see_it_sent(page, ENGLISH)
    desktop.picture(page, "desktop-2-letter-on-its-way")
    subject = mailbox.wait_for(address)[0].subject
    inbox = desktop.open(stack.inbox)
    expect(inbox.get_by_role("link", name=address)).to_be_visible()
    desktop.picture(inbox, "desktop-3-inbox")
    inbox = read_letter(desktop, stack, address, subject)
    expect(link_in(inbox)).to_be_visible()
    desktop.picture(inbox, "desktop-4-letter")

    opened_and_left = follow(link_in(inbox), ENGLISH)
    opened_and_left.close()
    verify = follow(link_in(inbox), ENGLISH)
    expect(verify).to_have_url(f"{stack.api}/verify")
    desktop.picture(verify, "desktop-5-verify")
    assert POSTED not in desktop.watch.changes
    verify.get_by_role("button", name=ENGLISH["verify"]["submit"]).click()
    expect(verify.get_by_role("heading", name=ENGLISH["done"]["title"])).to_be_focused()
    expect(verify.get_by_text(address)).to_be_visible()
    desktop.picture(verify, "desktop-6-confirmed")

    desktop.watch.expect_refusal(f"{POSTED} 410")
    again = follow(link_in(inbox), ENGLISH)
    again.get_by_role("button", name=ENGLISH["verify"]["submit"]).click()
    expect(again.get_by_text(ENGLISH["problems"]["used_link"])).to_be_visible()
    desktop.picture(again, "desktop-7-used-already")
    assert desktop.watch.changes.count(POSTED) == 2


def test_no_request_carries_the_letters_secret_in_its_address(
    desktop: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    page = desktop.open(f"{stack.api}/signup")
    register(page, address, ENGLISH)
    (letter,) = mailbox.wait_for(address)
    verify = desktop.open(letter.link)
    verify.get_by_role("button", name=ENGLISH["verify"]["submit"]).click()
    expect(verify.get_by_role("heading", name=ENGLISH["done"]["title"])).to_be_visible()

    assert verify.evaluate("history.length") == 2, "about:blank, then the page without its fragment"
    assert not [request for request in desktop.watch.requests if letter.token in request]


def test_a_vietnamese_on_a_phone_types_the_code_where_they_registered(
    phone: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    page = phone.open(f"{stack.api}/signup")
    assert page.locator("html").get_attribute("lang") == "vi"
    phone.picture(page, "phone-1-signup")
    register(page, address, VIETNAMESE)
    see_it_sent(page, VIETNAMESE)
    phone.picture(page, "phone-2-letter-on-its-way")
    (letter,) = mailbox.wait_for(address)

    page.get_by_label(VIETNAMESE["code"]).fill("1234 5678" if letter.code != "12345678" else "8765 4321")
    phone.watch.expect_refusal(f"{POSTED} 400")
    page.get_by_role("button", name=VIETNAMESE["confirm_code"]).click()
    expect(page.get_by_text(VIETNAMESE["problems"]["refused_code"])).to_be_visible()
    phone.picture(page, "phone-3-wrong-code")
    page.get_by_label(VIETNAMESE["code"]).fill(f"{letter.code[:4]} {letter.code[4:]}")
    page.get_by_role("button", name=VIETNAMESE["confirm_code"]).click()
    expect(page.get_by_role("heading", name=VIETNAMESE["done"]["title"])).to_be_visible()
    phone.picture(page, "phone-4-confirmed")
    phone.assert_fits(page)


def test_a_vietnamese_on_a_phone_follows_the_letters_link(
    phone: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    page = phone.open(f"{stack.api}/signup")
    register(page, address, VIETNAMESE)
    subject = mailbox.wait_for(address)[0].subject
    inbox = phone.open(stack.inbox)
    expect(inbox.get_by_role("link", name=address)).to_be_visible()
    phone.picture(inbox, "phone-5-inbox")
    inbox = read_letter(phone, stack, address, subject)
    expect(link_in(inbox)).to_be_visible()
    phone.picture(inbox, "phone-6-letter")
    phone.assert_fits(inbox)

    verify = follow(link_in(inbox), VIETNAMESE)
    expect(verify).to_have_url(f"{stack.api}/verify")
    phone.picture(verify, "phone-7-verify")
    phone.assert_fits(verify)
    verify.get_by_role("button", name=VIETNAMESE["verify"]["submit"]).click()
    expect(verify.get_by_role("heading", name=VIETNAMESE["done"]["title"])).to_be_visible()
