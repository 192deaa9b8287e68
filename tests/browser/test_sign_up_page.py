"""What the page of signing up makes of each answer, and of a browser that is old, offline or closed in between."""

from typing import Any

import altcha
import pytest
from playwright.sync_api import Page, expect

from auth_service.http.pages.catalogue import texts_in
from support.chromium import Window
from support.eventually import eventually
from support.people import PASSWORD
from support.scripted_api import REGISTERED, Answer, ScriptedApi, problem, receipt, serving_pages

pytestmark = pytest.mark.slow  # a window of its own for each

TEXTS: Any = texts_in("en")
ADDRESS = "linh@example.com"
REGISTER, RESEND, VERIFY = "POST /v1/registrations", "POST /v1/registrations/resend", "POST /v1/verifications"
RECEIPT = "GET /v1/receipts/receipt-1"

NEWER_THAN_2021 = """
  delete AbortSignal.timeout; delete AbortSignal.any; delete Array.prototype.at; delete String.prototype.at;
  delete Object.hasOwn; delete Array.prototype.findLast; delete Array.prototype.toSorted; delete Object.groupBy;
  delete Promise.withResolvers; delete crypto.randomUUID; delete URL.canParse; delete Element.prototype.checkVisibility;
  delete window.structuredClone; delete window.BroadcastChannel; delete window.scheduler; delete window.navigation;
"""


def fill(page: Page, *, address: str = ADDRESS, password: str = PASSWORD) -> None:
    page.get_by_label(TEXTS["email"], exact=True).fill(address)
    page.get_by_label(TEXTS["password"], exact=True).fill(password)


def press_create(page: Page) -> None:
    page.get_by_role("button", name=TEXTS["signup"]["submit"]).click()


def registered(window: Window, site: str, api: ScriptedApi, *states: str, final: bool = False) -> Page:
    """A tab that waits for its email, with a receipt that says so."""
    api.on(REGISTER, REGISTERED)
    api.on(RECEIPT, receipt(*states, final=final))
    page = window.open(f"{site}/signup")
    fill(page)
    press_create(page)
    expect(page.locator("#sent")).to_be_visible()
    return page


def heading(page: Page, text: str) -> None:
    """The heading in sight says so and has the focus, and the tab is called by it."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page).to_have_title(f"{text} · Postern")


def test_the_waiting_page_follows_the_receipt_until_it_is_final(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    page = registered(desktop, site, api, "accepted")
    heading(page, TEXTS["sent"]["title"])
    api.on(RECEIPT, receipt("accepted", "queued", "a state of next year", "sent"))
    expect(page.get_by_role("listitem")).to_contain_text(
        [TEXTS["states"][state] for state in ("accepted", "queued", "sent")]
    )
    api.on(RECEIPT, receipt("accepted", "queued", "a state of next year", "sent", "expired", final=True))
    heading(page, TEXTS["ended"]["expired"]["title"])
    asked = len(api.bodies(RECEIPT))
    page.wait_for_timeout(600)
    assert len(api.bodies(RECEIPT)) == asked


def test_the_live_region_is_appended_to_and_never_rebuilt(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    page = registered(desktop, site, api, "accepted")
    first = page.get_by_role("listitem").first.element_handle()
    api.on(RECEIPT, receipt("accepted", "queued", "deferred"))
    expect(page.get_by_role("listitem")).to_have_count(3)
    assert first is not None
    assert first.evaluate("item => item.isConnected")


@pytest.mark.parametrize("state", ["failed", "suppressed", "limited", "unconfirmed", "expired"])
def test_a_bad_end_is_in_the_heading_with_the_focus_and_says_what_to_do(
    desktop: Window, site: str, api: ScriptedApi, state: str
) -> None:
    page = registered(desktop, site, api, "accepted")
    api.on(RECEIPT, receipt("accepted", "queued", state, final=state != "unconfirmed"))
    heading(page, TEXTS["ended"][state]["title"])
    expect(page.get_by_text(TEXTS["ended"][state]["lead"])).to_be_visible()
    expect(page.get_by_role("button", name=TEXTS["sent"]["other"])).to_be_visible()
    assert page.get_by_label(TEXTS["code"]).is_visible() == (state in {"limited", "unconfirmed"})


def test_a_registration_confirmed_elsewhere_is_said_so_and_leads_on(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    page = registered(desktop, site, api, "accepted", "queued", "sent")
    api.on(RECEIPT, receipt("accepted", "queued", "sent", "confirmed", final=True))
    heading(page, TEXTS["done"]["title"])
    expect(page.get_by_text(TEXTS["done"]["elsewhere"])).to_be_visible()
    expect(page.get_by_role("link", name=TEXTS["sign_in"])).to_have_attribute("href", "/signin?lang=en")
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_whoever_comes_back_to_the_tab_need_not_wait_for_the_next_question(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    api.on(REGISTER, REGISTERED)
    api.on(RECEIPT, receipt("accepted", "sent", poll_after=600))
    page = desktop.open(f"{site}/signup")
    fill(page)
    press_create(page)
    expect(page.get_by_role("listitem")).to_have_count(2)
    api.on(RECEIPT, receipt("accepted", "sent", "confirmed", final=True))
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    heading(page, TEXTS["done"]["title"])


def test_a_reload_and_the_other_language_keep_the_waiting_page(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    page = registered(desktop, site, api, "accepted", "queued")
    page.reload()
    expect(page.locator("#sent-address")).to_have_text(ADDRESS)
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(texts_in("vi")["sent"]["title"])
    expect(page.locator("#sent-address")).to_have_text(ADDRESS)
    assert "secret" not in page.url
    assert len(api.bodies(REGISTER)) == 1


def test_the_typed_address_survives_a_change_of_language(desktop: Window, site: str) -> None:
    for path in ("signup", "verify"):
        page = desktop.open(f"{site}/{path}")
        page.get_by_label(TEXTS["email"], exact=True).fill(ADDRESS)
        page.get_by_role("link", name="Tiếng Việt").click()
        expect(page.get_by_label(texts_in("vi")["email"], exact=True)).to_have_value(ADDRESS)
        expect(page).to_have_url(f"{site}/{path}?lang=vi")
        page.reload()
        expect(page.get_by_label(texts_in("vi")["email"], exact=True)).to_have_value("")


def test_sending_again_takes_the_secret_keeps_the_focus_and_rests_for_as_long_as_the_api_says(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    answer = {"receipt": "receipt-1", "registration_secret": "secret-1", "resend_after": 1}
    api.on(REGISTER, Answer(status=202, body=answer))
    api.on(RECEIPT, receipt("accepted", "queued", "failed", final=True))
    api.on(RESEND, Answer(status=202, body={"receipt": "receipt-2", "resend_after": 90}))
    api.on("GET /v1/receipts/receipt-2", receipt("accepted", "queued"))
    page = desktop.open(f"{site}/signup")
    fill(page)
    press_create(page)
    heading(page, TEXTS["ended"]["failed"]["title"])

    again = page.get_by_role("button", name=TEXTS["sent"]["again"])
    expect(again).to_have_attribute("aria-disabled", "false")
    again.click()
    expect(page.get_by_text(TEXTS["sent"]["again_done"])).to_be_visible()
    expect(again).to_be_focused()
    expect(again).to_have_attribute("aria-disabled", "true")
    expect(again).to_have_accessible_description("90 seconds")
    expect(page.get_by_role("heading", level=1)).to_have_text(TEXTS["sent"]["title"])
    expect(page.get_by_role("listitem")).to_have_count(2)
    again.press("Enter")
    expect(page.get_by_text(TEXTS["sent"]["again_in"].partition("{")[0])).to_be_visible()
    expect(again).to_be_focused()
    assert api.bodies(RESEND) == [{"registration_secret": "secret-1"}]


def test_sending_again_what_is_forgotten_leads_back_to_the_form(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    answer = {"receipt": "receipt-1", "registration_secret": "secret-1", "resend_after": 0}
    api.on(REGISTER, Answer(status=202, body=answer))
    api.on(RECEIPT, problem(404, "unknown_receipt"))
    api.on(RESEND, problem(400, "unknown_registration"))
    desktop.watch.expect_refusal("GET /v1/receipts/receipt-1 404")
    desktop.watch.expect_refusal(f"{RESEND} 400")
    page = desktop.open(f"{site}/signup")
    fill(page)
    press_create(page)
    page.get_by_role("button", name=TEXTS["sent"]["again"]).click()
    expect(page.get_by_text(TEXTS["problems"]["unknown_registration"])).to_be_visible()
    expect(page.get_by_label(TEXTS["email"], exact=True)).to_have_value(ADDRESS)


def test_the_code_goes_with_the_address_and_the_secret(desktop: Window, site: str, api: ScriptedApi) -> None:
    page = registered(desktop, site, api, "accepted", "sent")
    api.on(VERIFY, Answer(body={"email": ADDRESS, "verified_at": "2027-01-31T09:31:00Z"}))
    page.get_by_label(TEXTS["code"]).fill("1234-5678")
    page.get_by_role("button", name=TEXTS["confirm_code"]).click()
    heading(page, TEXTS["done"]["title"])
    assert api.bodies(VERIFY) == [{"email": ADDRESS, "code": "12345678", "registration_secret": "secret-1"}]
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_a_browser_of_2021_can_sign_up(desktop: Window, site: str, api: ScriptedApi) -> None:
    desktop.context.add_init_script(NEWER_THAN_2021)
    page = registered(desktop, site, api, "accepted", "sent")
    api.on(VERIFY, Answer(body={"email": ADDRESS, "verified_at": "2027-01-31T09:31:00Z"}))
    assert page.evaluate("AbortSignal.timeout === undefined && [].at === undefined")
    page.get_by_label(TEXTS["code"]).fill("12345678")
    page.get_by_role("button", name=TEXTS["confirm_code"]).click()
    heading(page, TEXTS["done"]["title"])


def test_a_browser_that_remembers_nothing_can_sign_up(desktop: Window, site: str, api: ScriptedApi) -> None:
    forbidden = "{ get() { throw new DOMException('denied', 'SecurityError') } }"
    for kind in ("sessionStorage", "localStorage"):
        desktop.context.add_init_script(f"Object.defineProperty(window, '{kind}', {forbidden})")
    page = registered(desktop, site, api, "accepted", "sent")
    expect(page.locator("#sent-address")).to_have_text(ADDRESS)


def test_only_a_broken_connection_is_called_one(desktop: Window, site: str, api: ScriptedApi) -> None:
    api.on(REGISTER, None, problem(503, "database_unavailable"), Answer(status=502, body=None))
    for status in (503, 502):
        desktop.watch.expect_refusal(f"{REGISTER} {status}")
    page = desktop.open(f"{site}/signup")
    fill(page)
    for word in ("offline", "database_unavailable", "internal_error"):
        press_create(page)
        expect(page.locator("#signup-problem")).to_have_text(TEXTS["problems"][word])
    desktop.watch.forgive("net::ERR_FAILED")


@pytest.mark.parametrize("broken", ["AbortController", "Request", "JSON.stringify", "fetch"])
def test_a_fault_in_the_program_is_told_as_ours_and_to_the_console(
    desktop: Window, site: str, broken: str
) -> None:
    page = desktop.open(f"{site}/signup")
    page.evaluate(f"{broken if '.' in broken else 'window.' + broken} = undefined")
    fill(page)
    press_create(page)
    expect(page.locator("#signup-problem")).to_have_text(TEXTS["problems"]["internal_error"])
    desktop.watch.forgive("Error")


def test_a_limit_says_when_to_try_again(desktop: Window, site: str, api: ScriptedApi) -> None:
    api.on(REGISTER, Answer(status=429, body={"code": "too_many_requests"}, headers={"Retry-After": "150"}))
    desktop.watch.expect_refusal(f"{REGISTER} 429")
    page = desktop.open(f"{site}/signup?lang=vi")
    page.locator("#email").fill(ADDRESS)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name=texts_in("vi")["signup"]["submit"]).click()
    expect(page.locator("#signup-problem")).to_have_text("Quá nhiều lần thử. Hãy thử lại sau 3 phút.")


def test_every_flaw_the_server_finds_stands_at_its_field(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    flaws = [
        {"pointer": "#/email", "code": "invalid_address", "detail": "…", "params": {}},
        {"pointer": "#/password", "code": "too_long", "detail": "…", "params": {"max": 256}},
        {"pointer": "#/password", "code": "guessable", "detail": "…", "params": {"reason": "date"}},
    ]
    guessable, unknown = (
        [{"pointer": "#/password", "code": code, "detail": "Choose words.", "params": {"reason": "date"}}]
        for code in ("guessable", "of_next_year")
    )
    api.on(
        REGISTER,
        *(problem(422, "invalid_fields", errors=found) for found in (flaws, guessable, unknown)),
    )
    for _ in range(3):
        desktop.watch.expect_refusal(f"{REGISTER} 422")
    page = desktop.open(f"{site}/signup")
    fill(page)
    press_create(page)
    expect(page.locator("#email-flaw")).to_have_text(TEXTS["flaws"]["invalid_address"])
    expect(page.locator("#password-flaw")).to_have_text("Use at most 256 characters.")
    expect(page.locator("#email")).to_be_focused()
    press_create(page)
    expect(page.locator("#password-flaw")).to_have_text(
        f"{TEXTS['flaws']['guessable']} {TEXTS['advice']['date']}"
    )
    press_create(page)
    expect(page.locator("#password-flaw")).to_have_text("Choose words.")


def challenge(tries: int) -> tuple[dict[str, Any], str]:
    key = "a key for challenges"
    made = altcha.create_challenge("PBKDF2/SHA-256", 100, counter=tries, hmac_secret=key, hmac_key_secret=key)
    return made.to_dict(), key


def test_a_proof_of_work_is_found_by_the_page_itself_and_sent_once(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    asked, key = challenge(300)
    api.on(REGISTER, problem(428, "proof_required", challenge=asked), REGISTERED)
    api.on(RECEIPT, receipt("accepted"))
    desktop.watch.expect_refusal(f"{REGISTER} 428")
    page = desktop.open(f"{site}/signup")
    fill(page)
    press_create(page)
    heading(page, TEXTS["sent"]["title"])
    first, second = api.bodies(REGISTER)
    proof = second.pop("proof")
    assert second == first
    assert altcha.verify_solution(proof, hmac_secret=key, hmac_key_secret=key).verified


def test_the_page_stays_alive_while_it_works_and_leaving_ends_the_work(
    desktop: Window, site: str, api: ScriptedApi
) -> None:
    asked, _ = challenge(10_000_000)
    asked["parameters"]["cost"] = 2000
    api.on(REGISTER, problem(428, "proof_required", challenge=asked))
    desktop.watch.expect_refusal(f"{REGISTER} 428")
    page = desktop.open(f"{site}/signup")
    fill(page)
    press_create(page)
    expect(page.get_by_text(TEXTS["signup"]["proving"])).to_be_visible()
    page.get_by_role("button", name=TEXTS["show"]).click()
    expect(page.locator("#password")).to_have_attribute("type", "text")
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    expect(page.locator("#signup-problem")).to_have_text(TEXTS["problems"]["proof_required"])
    assert len(api.bodies(REGISTER)) == 1


def test_below_a_path_the_page_calls_the_api_and_links_below_it(desktop: Window) -> None:
    api = ScriptedApi()
    api.answer(desktop.context)
    api.on("POST /gate/v1/registrations", REGISTERED)
    api.on("GET /gate/v1/receipts/receipt-1", receipt("accepted", final=True))
    with serving_pages("https://example.com/gate") as site:
        page = desktop.open(f"{site}/signup")
        expect(page.get_by_role("link", name=TEXTS["signup"]["have_account"])).to_have_attribute(
            "href", "/gate/signin?lang=en"
        )
        fill(page)
        press_create(page)
        expect(page.locator("#sent")).to_be_visible()
        eventually(lambda: bool(api.bodies("GET /gate/v1/receipts/receipt-1")))
