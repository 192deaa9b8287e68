"""① Pages: nothing from elsewhere, nothing runs without the page's nonce, two languages."""

import re

import pytest

from support.auth_api import AuthApi

PAGES = ("/signup", "/verify", "/docs")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_anywhere(api: AuthApi, path: str) -> None:
    html = api.get(path).text
    assert re.findall(r"<(?:script|img|iframe|link|form|source)[^>]*\b(?:src|action)=", html) == []
    assert [
        href for href in re.findall(r"<link[^>]*href=\"([^\"]+)", html) if not href.startswith("data:")
    ] == []
    assert re.findall(r"url\(|@import|\son[a-z]+=", html.split("<body>")[0]) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_script_and_style_has_the_nonce_of_this_one_answer(api: AuthApi, path: str) -> None:
    first, second = api.get(path), api.get(path)
    (nonce,) = set(re.findall(r"nonce=\"([^\"]+)\"", first.text))
    assert f"'nonce-{nonce}'" in first.headers["Content-Security-Policy"]
    assert nonce not in second.text
    for tag in re.findall(r"<(?:script|style)[^>]*>", first.text):
        assert "nonce=" in tag or 'type="application/json"' in tag
    assert "style=" not in first.text


@pytest.mark.parametrize(
    ("path", "accept", "language"),
    [
        ("/signup", "vi", "vi"),
        ("/signup", "vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("/signup", "de,fr;q=0.9", "en"),
        ("/signup", "", "en"),
        ("/signup?lang=vi", "en", "vi"),
        ("/verify?lang=en", "vi", "en"),
        ("/verify?lang=<b>", "vi", "vi"),
    ],
)
def test_a_page_speaks_the_language_asked_for(api: AuthApi, path: str, accept: str, language: str) -> None:
    answer = api.get(path, Accept_Language=accept)
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["Content-Language"] == language


def test_pages_work_on_a_phone_and_say_why_they_need_javascript(api: AuthApi) -> None:
    for path in ("/signup", "/verify"):
        html = api.get(path).text
        assert 'name="viewport" content="width=device-width, initial-scale=1"' in html
        assert "<noscript>" in html


def test_the_page_of_the_link_posts_nothing_by_itself_and_hides_the_token(api: AuthApi) -> None:
    script = api.get("/verify").text
    assert "history.replaceState" in script
    assert script.count('call("POST", "/v1/verifications", { token })') == 1
    assert 'byId("confirm").addEventListener("click", confirm)' in script


def test_the_home_address_leads_to_signing_up(api: AuthApi) -> None:
    answer = api.get("/", Host="evil.example")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signup")


def test_what_a_request_brings_is_not_in_the_page(api: AuthApi) -> None:
    answer = api.get("/signup?lang=<script>alert(1)</script>", Host="evil.example", Accept_Language="<b>")
    assert "evil.example" not in answer.text
    assert "alert(1)" not in answer.text
