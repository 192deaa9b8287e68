"""The proof of work as the API asks for it and the page finds it, with the tries of a real start."""

from typing import Any

import pytest
from playwright.sync_api import expect

from auth_service.http.pages.catalogue import texts_in
from support.auth_api import AuthApi
from support.chromium import Window
from support.database import Database
from support.people import PASSWORD
from support.scripted_api import serving
from support.signed_in import add_account

pytestmark = pytest.mark.slow  # an API of its own, and real work

TEXTS: Any = texts_in("en")


def test_a_person_among_very_many_signs_up_without_noticing(desktop: Window, auth_database: Database) -> None:
    api = AuthApi.on(auth_database.url, limit_all="1/day")
    api.register("first@example.com")
    desktop.watch.expect_refusal("POST /v1/registrations 428")
    with serving(api.app) as site:
        page = desktop.open(f"{site}/signup")
        page.get_by_label(TEXTS["email"], exact=True).fill("linh@example.com")
        page.get_by_label(TEXTS["password"], exact=True).fill(PASSWORD)
        page.get_by_role("button", name=TEXTS["signup"]["submit"]).click()
        expect(page.get_by_text(TEXTS["signup"]["proving"])).to_be_visible()
        expect(page.get_by_role("heading", name=TEXTS["sent"]["title"])).to_be_focused()
        page.close()
    assert api.last_letter().contents.recipient == "linh@example.com"


def test_a_person_signs_in_while_very_many_fail_with_the_password_typed_once_more(
    desktop: Window, auth_database: Database
) -> None:
    api = AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url, limit_all_sign_in="1/day")
    add_account(api, "linh@example.com")
    api.post("/v1/sessions", {"email": "first@example.com", "password": PASSWORD})
    desktop.watch.expect_refusal("POST /signin 428")
    with serving(api.app) as site:
        page = desktop.open(f"{site}/signin")
        for title in (TEXTS["signin"]["title"], TEXTS["account"]["title"]):
            page.get_by_label(TEXTS["email"], exact=True).fill("linh@example.com")
            page.get_by_label(TEXTS["password"], exact=True).fill("three boats at dawn")
            page.get_by_role("button", name=TEXTS["signin"]["submit"], exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(title)
        page.close()
