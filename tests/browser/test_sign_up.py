"""Signing up as people do it: in a browser, with the letter opened in another tab."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, expect

from auth_service.http.pages.catalogue import texts_in
from support.chromium import PHONE, Window, window
from support.eventually import eventually
from support.people import PASSWORD, Mailbox, addresses
from support.stack import Stack

ENGLISH: Any = texts_in("en")
VIETNAMESE: Any = texts_in("vi")
POSTED = "POST /v1/verifications"
CHOSEN = "nine herons above the old mill"


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


def confirm(page: Page, texts: Any) -> None:
    page.get_by_role("button", name=texts["verify"]["submit"]).click()


def see_it_confirmed(page: Page, texts: Any) -> None:
    expect(page.get_by_role("heading", name=texts["done"]["title"])).to_be_focused()


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
    return frame.content_frame.locator("a[href*='/verify']").first


def follow(link: Locator, texts: Any) -> Page:
    page = eventually(lambda: popup_of(link), within=30)
    expect(page.get_by_role("button", name=texts["verify"]["submit"])).to_be_visible()
    return page


def popup_of(link: Locator) -> Page:
    """The page that the link opens, by keyboard: Chromium aims beside what it clicks in a frame that has just moved or scrolls."""
    try:
        with link.page.expect_popup(timeout=5_000) as opened:
            link.press("Enter", timeout=4_000)
    except Error as error:
        raise AssertionError(error.message) from error
    return opened.value


@pytest.fixture
def elsewhere(browser: Browser, pictures: Path) -> Iterator[Window]:
    """Another device of the same person."""
    with window(browser, device=PHONE, pictures=pictures) as opened:
        yield opened


def test_a_person_signs_up_follows_the_emails_link_and_confirms_with_one_press(
    desktop: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    page = desktop.open(f"{stack.api}/signup")
    desktop.picture(page, "desktop-1-signup")
    register(page, address, ENGLISH)
    see_it_sent(page, ENGLISH)
    desktop.picture(page, "desktop-2-sent")
    subject = mailbox.wait_for(address)[0].subject
    inbox = desktop.open(stack.inbox)
    expect(inbox.get_by_role("link", name=address)).to_be_visible()
    desktop.picture(inbox, "desktop-3-inbox")
    inbox = read_letter(desktop, stack, address, subject)
    expect(link_in(inbox)).to_be_visible()
    desktop.picture(inbox, "desktop-4-email")

    opened_and_left = follow(link_in(inbox), ENGLISH)
    opened_and_left.close()
    verify = follow(link_in(inbox), ENGLISH)
    expect(verify).to_have_url(f"{stack.api}/verify")
    desktop.picture(verify, "desktop-5-verify")
    assert POSTED not in desktop.watch.changes
    confirm(verify, ENGLISH)
    see_it_confirmed(verify, ENGLISH)
    expect(verify.get_by_text(address)).to_be_visible()
    desktop.picture(verify, "desktop-6-confirmed")
    assert desktop.watch.changes.count(POSTED) == 1
    # The tab that waited notices, too.
    expect(page.get_by_text(ENGLISH["done"]["elsewhere"])).to_be_visible()
    desktop.picture(page, "desktop-7-confirmed-elsewhere")

    desktop.watch.expect_refusal(f"{POSTED} 410")
    again = follow(link_in(inbox), ENGLISH)
    confirm(again, ENGLISH)
    expect(again.get_by_text(ENGLISH["problems"]["already_confirmed"])).to_be_visible()
    desktop.picture(again, "desktop-8-already-confirmed")


@pytest.mark.slow
def test_on_another_device_the_link_asks_for_a_password_which_then_counts(
    desktop: Window, elsewhere: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    page = desktop.open(f"{stack.api}/signup")
    register(page, address, ENGLISH)
    (letter,) = mailbox.wait_for(address)

    elsewhere.watch.expect_refusal(f"{POSTED} 409")
    verify = elsewhere.open(f"{stack.api}/verify")
    verify.goto(letter.link)  # pasted into the open tab
    expect(verify).to_have_url(f"{stack.api}/verify")
    confirm(verify, ENGLISH)
    expect(verify.get_by_role("heading", name=ENGLISH["choose"]["title"])).to_be_focused()
    elsewhere.picture(verify, "phone-choose-password")
    elsewhere.watch.expect_refusal(f"{POSTED} 422")
    verify.get_by_label(ENGLISH["password"], exact=True).fill("passwordpassword")
    verify.get_by_role("button", name=ENGLISH["confirm_code"]).click()
    expect(verify.get_by_text(ENGLISH["flaws"]["guessable"])).to_be_visible()
    verify.get_by_label(ENGLISH["password"], exact=True).fill(CHOSEN)
    verify.get_by_role("button", name=ENGLISH["confirm_code"]).click()
    see_it_confirmed(verify, ENGLISH)
    expect(page.get_by_text(ENGLISH["done"]["elsewhere"])).to_be_visible()


def test_no_request_carries_a_secret_in_its_address(
    desktop: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    page = desktop.open(f"{stack.api}/signup")
    register(page, address, ENGLISH)
    (letter,) = mailbox.wait_for(address)
    secret = page.evaluate("JSON.parse(sessionStorage.getItem('postern.signup')).secret")
    verify = desktop.open(letter.link)
    confirm(verify, ENGLISH)
    see_it_confirmed(verify, ENGLISH)

    assert verify.evaluate("history.length") == 2, "about:blank, then the page without its fragment"
    assert not [request for request in desktop.watch.requests if letter.token in request or secret in request]


def test_a_vietnamese_on_a_phone_types_the_code_where_they_registered(
    phone: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    page = phone.open(f"{stack.api}/signup")
    assert page.locator("html").get_attribute("lang") == "vi"
    phone.picture(page, "phone-1-signup")
    register(page, address, VIETNAMESE)
    see_it_sent(page, VIETNAMESE)
    phone.picture(page, "phone-2-sent")
    (letter,) = mailbox.wait_for(address)

    page.get_by_label(VIETNAMESE["code"]).fill("1234 5678" if letter.code != "12345678" else "8765 4321")
    phone.watch.expect_refusal(f"{POSTED} 400")
    page.get_by_role("button", name=VIETNAMESE["confirm_code"]).click()
    expect(page.get_by_text(VIETNAMESE["problems"]["refused_code"])).to_be_visible()
    phone.picture(page, "phone-3-wrong-code")
    page.get_by_label(VIETNAMESE["code"]).fill(f"{letter.code[:4]} {letter.code[4:]}")
    page.get_by_role("button", name=VIETNAMESE["confirm_code"]).click()
    see_it_confirmed(page, VIETNAMESE)
    phone.picture(page, "phone-4-confirmed")
    phone.assert_fits(page)


@pytest.mark.slow
def test_a_vietnamese_on_a_phone_follows_the_emails_link(
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
    phone.picture(inbox, "phone-6-email")
    phone.assert_fits(inbox)

    verify = follow(link_in(inbox), VIETNAMESE)
    expect(verify).to_have_url(f"{stack.api}/verify?lang=vi")
    phone.picture(verify, "phone-7-verify")
    phone.assert_fits(verify)
    confirm(verify, VIETNAMESE)
    see_it_confirmed(verify, VIETNAMESE)


@pytest.mark.slow
def test_the_email_of_a_vietnamese_leads_to_vietnamese_pages_in_any_browser(
    phone: Window, desktop: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    register(phone.open(f"{stack.api}/signup"), address, VIETNAMESE)
    (letter,) = mailbox.wait_for(address)
    page = desktop.open(letter.link)
    expect(page.get_by_role("button", name=VIETNAMESE["verify"]["submit"])).to_be_visible()


@pytest.mark.slow
def test_this_wasnt_me_ends_a_registration_and_sends_no_more_until_it_is_taken_back(
    desktop: Window, elsewhere: Window, stack: Stack, mailbox: Mailbox, address: str
) -> None:
    register(desktop.open(f"{stack.api}/signup"), address, ENGLISH)
    (letter,) = mailbox.wait_for(address)
    page = elsewhere.open(letter.refusal)
    expect(page).to_have_url(f"{stack.api}/refuse")
    page.get_by_role("button", name=ENGLISH["refuse"]["submit"]).click()
    expect(page.get_by_role("heading", name=ENGLISH["refuse"]["done_title"])).to_be_focused()

    desktop.watch.expect_refusal(f"{POSTED} 410")
    verify = desktop.open(letter.link)
    confirm(verify, ENGLISH)
    expect(verify.get_by_text(ENGLISH["problems"]["refused_registration"])).to_be_visible()
    stranger = desktop.context.new_page()
    stranger.goto(f"{stack.api}/signup")
    register_again(stranger, address)
    expect(stranger.get_by_role("heading", level=1)).to_have_text(ENGLISH["ended"]["limited"]["title"])

    page.get_by_role("button", name=ENGLISH["refuse"]["lift"]).click()
    expect(page.get_by_role("heading", name=ENGLISH["refuse"]["lifted_title"])).to_be_focused()


def register_again(page: Page, address: str) -> None:
    page.get_by_label(ENGLISH["email"], exact=True).fill(address)
    page.get_by_label(ENGLISH["password"], exact=True).fill(CHOSEN)
    page.get_by_role("button", name=ENGLISH["signup"]["submit"]).click()
