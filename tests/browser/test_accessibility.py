"""Everybody can use the pages: axe finds nothing, the keyboard suffices, forced colours keep every edge."""

import smtplib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from auth_service.http.pages.catalogue import texts_in
from dev_inbox.server import Inbox
from support.chromium import Window
from support.people import PASSWORD
from support.scripted_api import REGISTERED, Answer, ScriptedApi, problem, receipt
from support.soundness import sound

pytestmark = pytest.mark.slow  # every page in every state

TEXTS: Any = texts_in("en")
REGISTER, VERIFY = "POST /v1/registrations", "POST /v1/verifications"
RECEIPT = "GET /v1/receipts/receipt-1"


def type_in(page: Page) -> None:
    page.locator("#email").fill("linh@example.com")
    page.locator("#password").fill(PASSWORD)
    page.locator("#signup-form [type=submit]").click()


def test_axe_finds_nothing_on_any_page_in_any_state(phone: Window, site: str) -> None:
    api = ScriptedApi()
    api.answer(phone.context)
    api.on(REGISTER, REGISTERED)
    api.on(RECEIPT, receipt("accepted", "queued"))
    page = phone.open(f"{site}/signup")
    sound(phone, page)
    page.locator("#signup-form [type=submit]").click()
    sound(phone, page)
    type_in(page)
    expect(page.locator("#timeline .queued")).to_be_visible()
    sound(phone, page)
    api.on(RECEIPT, receipt("accepted", "queued", "failed", final=True))
    page.reload()
    expect(page.locator("#timeline .failed")).to_be_visible()
    sound(phone, page)
    api.on(RECEIPT, receipt("accepted", "confirmed", final=True))
    page.reload()
    expect(page.locator("#done")).to_be_visible()
    sound(phone, page)


def test_axe_finds_nothing_on_the_pages_behind_links(phone: Window, site: str) -> None:
    api = ScriptedApi()
    api.answer(phone.context)
    api.on(VERIFY, problem(409, "password_needed"), problem(410, "already_confirmed"))
    api.on("POST /v1/refusals", Answer(status=204))
    for status in (409, 410):
        phone.watch.expect_refusal(f"{VERIFY} {status}")

    for section in ("choose", "already"):
        page = phone.open(f"{site}/verify#token=abc")
        sound(phone, page)
        page.locator("#confirm").click()
        expect(page.locator(f"#{section}")).to_be_visible()
        sound(phone, page)
    page = phone.open(f"{site}/refuse#token=abc")
    sound(phone, page)
    page.locator("#refuse").click()
    expect(page.locator("#refused")).to_be_visible()
    sound(phone, page)
    for path in ("verify", "refuse"):
        sound(phone, phone.open(f"{site}/{path}"))


def test_axe_finds_nothing_on_the_description_of_the_api(phone: Window, desktop: Window, site: str) -> None:
    for view in (phone, desktop):
        sound(view, view.open(f"{site}/docs"))


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """An inbox with letters in it, one for very many."""
    with Inbox() as running, smtplib.SMTP(running.smtp.host, running.smtp.port, timeout=5) as client:
        for people in (
            ["an@example.org"],
            [f"reader-{n}.of.the.evening.news@example.org" for n in range(40)],
        ):
            client.sendmail("no-reply@postern.example", people, LETTER)
        yield running


LETTER = (
    "Subject: Hello\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nGood day.\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<html lang=en><title>Hello</title><main><h1>Good day</h1></main></html>\r\n"
    "--b--\r\n"
)


def test_axe_finds_nothing_in_the_development_inbox(inbox: Inbox, phone: Window, desktop: Window) -> None:
    for view in (phone, desktop):
        page = view.open(inbox.http_url)
        expect(page.locator(".row")).to_have_count(2)
        sound(view, page)
        for row in (page.locator(".row").first, page.locator(".row").last):
            row.click()
            expect(page.locator("#subject")).to_be_focused()
            for part in ("html", "text", "source"):
                page.locator(f"#tab-{part}").click()
                sound(view, page)
            page.go_back()
        page.get_by_role("searchbox").fill("nobody has this name")
        expect(page.locator("#empty-title")).to_have_text("Nothing found")
        sound(view, page)


CONTRAST = """selector => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = text => { const [r, g, b] = rgb(text).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4); return .2126*r + .7152*g + .0722*b; };
  const element = document.querySelector(selector);
  const edge = luminance(getComputedStyle(element).borderTopColor);
  const grounds = [element, document.querySelector("main")].map(it => luminance(getComputedStyle(it).backgroundColor));
  return Math.min(...grounds.map(it => (Math.max(it, edge) + .05) / (Math.min(it, edge) + .05)));
}"""


def test_the_edges_of_fields_stand_out_three_to_one(phone: Window, site: str) -> None:
    page = phone.open(f"{site}/signup")
    assert page.evaluate(CONTRAST, "#email") >= 3


@pytest.mark.parametrize("path", ["signup", "verify#token=abc", "verify", "refuse#token=abc"])
def test_in_forced_colours_every_button_in_sight_has_an_edge(desktop: Window, site: str, path: str) -> None:
    page = desktop.open("about:blank")
    page.emulate_media(forced_colors="active")
    page.goto(f"{site}/{path}")
    edges = page.evaluate("""[...document.querySelectorAll("button, .button, input")]
        .filter(it => it.offsetParent).map(it => [getComputedStyle(it).borderTopWidth, getComputedStyle(it).borderTopColor,
                                                  getComputedStyle(document.body).backgroundColor])""")
    assert edges
    for width, colour, ground in edges:
        assert width != "0px"
        assert colour not in {ground, "rgba(0, 0, 0, 0)"}


def test_everything_to_be_pressed_is_large_enough_for_a_thumb(phone: Window, site: str) -> None:
    small = """[...document.querySelectorAll("a, button, input")].filter(it => it.offsetParent)
        .map(it => [it.id || it.textContent, it.getBoundingClientRect().height]).filter(([, height]) => height < 40)"""
    for path in (
        "signup",
        "verify",
        "verify#token=abc",
        "refuse#token=abc",
        "signin",
        "signin-link",
        "reset",
    ):
        assert phone.open(f"{site}/{path}").evaluate(small) == [], path


def press_until(page: Page, reached: Callable[[], bool], key: str = "Tab") -> None:
    for _ in range(12):
        if reached():
            return
        page.keyboard.press(key)
    raise AssertionError("the keyboard does not lead there")


def test_a_person_signs_up_and_confirms_with_the_keyboard_alone(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    api.on(REGISTER, REGISTERED)
    api.on(RECEIPT, receipt("accepted", "sent"))
    api.on(VERIFY, Answer(body={"email": "linh@example.com", "verified_at": "2027-01-31T09:31:00Z"}))
    page = desktop.open(f"{site}/signup")

    def at(identity: str) -> Callable[[], bool]:
        return lambda: bool(page.evaluate("document.activeElement.id") == identity)

    press_until(page, at("email"))
    page.keyboard.type("linh@example.com")
    press_until(page, at("password"))
    page.keyboard.type(PASSWORD)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    press_until(page, at("code"))
    page.keyboard.type("12345678")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(TEXTS["done"]["title"])
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=TEXTS["sign_in"])).to_be_focused()
