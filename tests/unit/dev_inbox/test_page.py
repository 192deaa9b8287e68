from __future__ import annotations

import re

import httpx
import pytest

from dev_inbox.pages import open_links_in_new_tabs
from dev_inbox.server import Inbox
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter


def test_the_page_runs_no_script_but_its_own(inbox: Inbox, http: httpx.Client) -> None:
    first, second = http.get("/"), http.get("/")
    nonces = [
        re.findall(r"script-src 'nonce-([^']+)'", page.headers["content-security-policy"])[0]
        for page in (first, second)
    ]
    assert nonces[0] != nonces[1]
    assert re.findall(r"<script[^>]*>", first.text) == [f'<script nonce="{nonces[0]}">']
    assert not re.search(r"\son\w+=|style=", first.text)
    assert inbox.smtp_url in first.text


def test_the_page_asks_nothing_of_the_world(http: httpx.Client) -> None:
    page = http.get("/")
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_html_part_comes_without_rights(http: httpx.Client, connect: Connect) -> None:
    connect().sendmail(
        SENDER, ["an@example.org"], letter(html='<p><a href="https://app.example/">Go</a></p>')
    )
    message_id = http.get("/api/messages").json()["messages"][0]["id"]
    part = http.get(f"/messages/{message_id}/html")
    assert part.headers["content-security-policy"].startswith(
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    )
    assert '<a target="_blank" rel="noopener noreferrer" href="https://app.example/">Go</a>' in part.text


def test_a_letter_without_html_has_an_empty_html_part(http: httpx.Client, connect: Connect) -> None:
    connect().sendmail(SENDER, ["an@example.org"], letter())
    message_id = http.get("/api/messages").json()["messages"][0]["id"]
    assert http.get(f"/messages/{message_id}/html").text == ""


def test_only_links_are_given_a_new_tab() -> None:
    added = 'target="_blank" rel="noopener noreferrer"'
    assert (
        open_links_in_new_tabs("<abbr>a</abbr><A HREF='x>y'>b</A>")
        == f"<abbr>a</abbr><A {added} HREF='x>y'>b</A>"
    )


def test_nothing_about_a_letter_may_be_cached(http: httpx.Client) -> None:
    for path in ("/", "/api/messages", "/nowhere"):
        headers = http.get(path).headers
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8025", "127.0.0.1.evil.example", "localhost.evil.example"]
)
@pytest.mark.parametrize("path", ["/", "/api/messages", "/healthz", "/nowhere"])
def test_a_name_that_leads_here_from_elsewhere_is_not_answered(
    http: httpx.Client, host: str, path: str
) -> None:
    answer = http.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "inbox.localhost", "[::1]:8025", "192.0.2.7"])
def test_an_address_and_localhost_are_answered(http: httpx.Client, host: str) -> None:
    assert http.get("/", headers={"Host": host}).status_code == 200
