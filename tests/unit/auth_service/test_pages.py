"""① Pages: nothing from elsewhere, nothing runs without the page's nonce, two languages."""

import re

import pytest

from support.auth_api import AuthApi

SCRIPTED = ("/signup", "/verify", "/refuse")
PLAIN = ("/signin", "/signin-link", "/forgot", "/reset", "/confirm-email", "/revert-email")
PAGES = (*SCRIPTED, *PLAIN, "/docs")
MOST_BYTES = 60_000


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_anywhere(api: AuthApi, path: str) -> None:
    html = api.get(path).text
    assert len(api.get(path, Accept_Encoding="gzip, deflate").data) < MOST_BYTES
    assert re.findall(r"<(?:script|img|iframe|link|source)[^>]*\b(?:src|action)=", html) == []
    assert all(action.startswith("/") for action in re.findall(r"action=\"([^\"]*)", html))
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


def test_pages_work_on_a_phone_and_without_javascript(api: AuthApi) -> None:
    for path in (*SCRIPTED, *PLAIN):
        html = api.get(path).text
        assert 'name="viewport" content="width=device-width, initial-scale=1"' in html
        assert re.search(r'<form [^>]*method="post" action="', html), path


FILLED_IN_BY_PROGRAMS = {
    "/signup": {"email": "email", "password": "new-password", "code": "one-time-code"},
    "/signin": {"email": "username", "password": "current-password"},
    "/forgot": {"email": "username"},
    "/reset": {"password": "new-password"},
    "/signin-link": {"email": "username", "code": "one-time-code"},
    "/verify": {"email": "email", "code": "one-time-code", "password": "new-password"},
}


@pytest.mark.parametrize("path", FILLED_IN_BY_PROGRAMS)
def test_password_managers_recognise_each_field(api: AuthApi, path: str) -> None:
    html = api.get(path).text
    fields = dict(
        reversed(re.findall(r'<input id="[^"]*"[^>]*? name="(\w+)"[^>]*? autocomplete="([\w-]+)"', html))
    )
    fields.pop("token", None)
    assert fields == FILLED_IN_BY_PROGRAMS[path]
    for id_ in re.findall(r'<input id="([^"]+)"', html):
        assert f'<label for="{id_}">' in html


@pytest.mark.parametrize(
    "path", ["/verify", "/refuse", "/reset", "/signin-link", "/confirm-email", "/revert-email"]
)
def test_the_token_of_a_link_is_hidden_at_once_and_also_when_it_is_pasted(api: AuthApi, path: str) -> None:
    script = api.get(path).text
    assert "history.replaceState" in script
    assert 'addEventListener("hashchange"' in script


NEWER_THAN_2020 = {
    "logical assignment": r"\?\?=|\|\|=|&&=",
    "numeric separator": r"\d_\d",
    "private member or static block": r"[^\w\"'`]#\w+\s*[=;(]|\bstatic\s*\{",
    "await outside a function": r"^await\b",
    "method of 2021 or later": (
        r"\.(?:at|replaceAll|findLast|findLastIndex|toSorted|toReversed|with|any|hasOwn|withResolvers|groupBy)\("
        r"|AbortSignal\.(?:timeout|any)|structuredClone|randomUUID|canParse"
    ),
}


@pytest.mark.parametrize("path", [*SCRIPTED, *PLAIN])
def test_scripts_are_written_for_browsers_of_2021(api: AuthApi, path: str) -> None:
    # Without the element's own attributes: a nonce may have any letters.
    (script,) = re.findall(r'<script type="module"[^>]*>(.*?)</script>', api.get(path).text, flags=re.DOTALL)
    for what, pattern in NEWER_THAN_2020.items():
        assert re.findall(pattern, script, flags=re.MULTILINE) == [], what


@pytest.mark.parametrize("path", [*SCRIPTED, *PLAIN])
@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_link_of_ours_keeps_the_language(api: AuthApi, path: str, language: str) -> None:
    html = api.get(f"{path}?lang={language}").text
    links = re.findall(r"<a [^>]*href=\"([^\"]+)\"", html)
    assert {link for link in links if link.startswith("?")} == {f"?lang={'vi' if language == 'en' else 'en'}"}
    others = [link for link in links + re.findall(r"action=\"([^\"]+)", html) if not link.startswith("?")]
    assert others
    assert all(link.endswith(f"?lang={language}") for link in others), others


def test_below_a_path_every_link_and_call_begins_with_it() -> None:
    api = AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth", public_url="https://example.com/gate")
    for path in SCRIPTED:
        html = api.get(path).text
        assert 'data-base="/gate"' in html
        links = [
            link for link in re.findall(r"href=\"([^\"]+)\"", html) if not link.startswith(("?", "data:"))
        ]
        assert all(link.startswith("/gate/") for link in links), links
    assert api.get("/").headers["Location"] == "/gate/signup"


def test_the_home_address_leads_to_signing_up(api: AuthApi) -> None:
    answer = api.get("/", Host="evil.example")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signup")


def test_pages_call_the_application_by_its_name() -> None:
    api = AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth", product_name="Tom & Söhne")
    html = api.get("/signup").text
    assert html.count("Tom &amp; Söhne") == 2
    assert "Postern" not in html


def test_what_a_request_brings_is_not_in_the_page(api: AuthApi) -> None:
    answer = api.get("/signup?lang=<script>alert(1)</script>", Host="evil.example", Accept_Language="<b>")
    assert "evil.example" not in answer.text
    assert "alert(1)" not in answer.text
