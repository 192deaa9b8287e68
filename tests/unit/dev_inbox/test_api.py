from __future__ import annotations

import smtplib
from typing import Any

import httpx
import pytest

from dev_inbox.server import Inbox
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter


def listed(http: httpx.Client, **query: str) -> list[dict[str, Any]]:
    answer = http.get("/api/messages", params=query)
    assert answer.status_code == 200
    return list(answer.json()["messages"])


def test_messages_are_listed_newest_first(http: httpx.Client, connect: Connect) -> None:
    client = connect()
    for number in range(3):
        client.sendmail(SENDER, [f"an{number}@example.org"], letter(subject=f"Number {number}"))
    found = listed(http)
    assert [message["subject"] for message in found] == ["Number 2", "Number 1", "Number 0"]
    assert found[0] == {
        "id": found[0]["id"],
        "from": SENDER,
        "to": ["an2@example.org"],
        "subject": "Number 2",
        "received_at": found[0]["received_at"],
        "size": len(letter(subject="Number 2")),
    }


def test_the_list_can_be_narrowed_to_a_recipient_in_any_spelling(
    http: httpx.Client, connect: Connect
) -> None:
    domain = "bưu.example"
    connect().sendmail(SENDER, [f"an+tag@{domain.encode('idna').decode()}"], letter())
    connect().sendmail(SENDER, [f"bo@{domain}"], letter(), mail_options=["SMTPUTF8"])
    assert [message["to"] for message in listed(http, to=f"AN+tag@{domain}")] == [
        ["an+tag@xn--bu-d0a.example"]
    ]
    assert len(listed(http, to=f"bo@{domain.encode('idna').decode()}")) == 1
    assert listed(http, to="an@bưu.example") == []


def test_the_list_can_be_searched_and_read_in_pages(http: httpx.Client, connect: Connect) -> None:
    client = connect()
    for number in range(5):
        client.sendmail(SENDER, ["an@example.org"], letter(subject=f"Bill {number}"))
    client.sendmail(SENDER, ["an@example.org"], letter(subject="Greeting"))
    first = listed(http, q="bill", limit="2")
    second = listed(http, q="bill", limit="2", before=first[-1]["id"])
    assert [message["subject"] for message in first + second] == ["Bill 4", "Bill 3", "Bill 2", "Bill 1"]
    assert http.get("/api/messages", params={"limit": "-1"}).status_code == 400


def test_a_message_is_taken_apart(http: httpx.Client, connect: Connect) -> None:
    sent = letter(
        subject="Xin chào, đây là thư xác nhận",
        text="Open https://app.example/verify#token=abc.\nor type 12345678\n",
        html='<p>Chào <a href="https://app.example/verify#token=abc">mở</a> <a href="mailto:x@y.example">x</a></p>',
    )
    connect().sendmail(SENDER, ["an@example.org"], sent)
    message = http.get(f"/api/messages/{listed(http)[0]['id']}").json()
    assert message["subject"] == message["headers"]["Subject"] == "Xin chào, đây là thư xác nhận"
    assert message["text"] == "Open https://app.example/verify#token=abc.\nor type 12345678\n"
    assert message["html"].startswith("<p>Chào ")
    assert message["links"] == ["https://app.example/verify#token=abc"]
    assert message["source"].encode() == sent


def test_the_source_can_be_saved_byte_for_byte(http: httpx.Client, connect: Connect) -> None:
    sent = b"Subject: broken\r\n\r\n\xff\xfe not utf-8\r\n"
    connect().sendmail(SENDER, ["an@example.org"], sent)
    answer = http.get(f"/api/messages/{listed(http)[0]['id']}/source")
    assert answer.content == sent
    assert answer.headers["content-disposition"].startswith("attachment")


def test_deleting_forgets_all_messages(http: httpx.Client, connect: Connect) -> None:
    connect().sendmail(SENDER, ["an@example.org"], letter())
    message_id = listed(http)[0]["id"]
    assert http.delete("/api/messages").status_code == 204
    assert listed(http) == []
    assert http.get(f"/api/messages/{message_id}").status_code == 404


def test_a_script_is_put_in_force_shown_and_withdrawn(http: httpx.Client, connect: Connect) -> None:
    rules = [
        {
            "match": {"phase": "rcpt", "recipient": "*@full.example"},
            "reply": "452 4.2.2 Full",
            "delay_seconds": 0.01,
            "times": 1,
        },
        {"match": {"phase": "dot"}, "action": "reset", "store": True},
    ]
    assert http.put("/api/script", json=rules).status_code == 204
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        connect().sendmail(SENDER, ["an@full.example"], letter())
    with pytest.raises(smtplib.SMTPServerDisconnected):
        connect().sendmail(SENDER, ["an@full.example"], letter())
    shown = http.get("/api/script").json()["rules"]
    assert [(rule["match"]["phase"], rule["played"]) for rule in shown] == [("rcpt", 1), ("dot", 1)]
    assert http.delete("/api/script").status_code == 204
    connect().sendmail(SENDER, ["an@full.example"], letter())
    assert len(listed(http)) == 2


def test_a_script_is_shown_as_it_was_put(http: httpx.Client) -> None:
    rule = {
        "match": {"phase": "rcpt", "recipient": "*@full.example", "after_messages": 3, "every": 2},
        "reply": "452 4.2.2 Full",
        "without": [],
        "delay_seconds": 0.5,
        "byte_seconds": 0.25,
        "action": "close",
        "times": 4,
        "store": None,
    }
    stripped = {"match": {"phase": "ehlo"}, "without": ["STARTTLS", "8BITMIME"]}
    assert http.put("/api/script", json=[rule, stripped]).status_code == 204
    first, second = http.get("/api/script").json()["rules"]
    assert first == {**rule, "played": 0}
    assert (second["match"]["every"], second["without"]) == (1, ["8BITMIME", "STARTTLS"])


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "{}",
        '[{"match": {"phase": "lunch"}}]',
        '[{"match": {"phase": "dot"}, "surprise": 1}]',
        '[{"match": {"phase": "mail", "recipient": "*"}}]',
        '[{"match": {"phase": "dot"}, "delay_seconds": -1}]',
        '[{"match": {"phase": "dot"}, "times": 0}]',
        '[{"match": {"phase": "dot", "every": 0}}]',
        '[{"match": {"phase": "dot", "after_messages": -1}}]',
        '[{"match": {"phase": "ehlo"}, "without": ["TURN"]}]',
        '[{"match": {"phase": "mail"}, "without": ["SIZE"]}]',
    ],
)
def test_a_script_that_makes_no_sense_changes_nothing(http: httpx.Client, body: str) -> None:
    http.put("/api/script", json=[{"match": {"phase": "dot"}}])
    answer = http.put("/api/script", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert len(http.get("/api/script").json()["rules"]) == 1


def test_a_script_in_another_form_than_json_is_refused(http: httpx.Client) -> None:
    assert http.put("/api/script", content="[]", headers={"Content-Type": "text/plain"}).status_code == 415


def test_stopping_ends_open_connections() -> None:
    inbox = Inbox().start()
    client = smtplib.SMTP(inbox.smtp.host, inbox.smtp.port, timeout=5)
    page = httpx.Client(base_url=inbox.http_url)
    assert page.get("/healthz").status_code == 200
    inbox.stop()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()
    page.close()


def test_it_says_that_it_is_alive(http: httpx.Client) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/messages/00", 404),
        ("POST", "/api/messages", 405),
        ("PUT", "/", 405),
    ],
)
def test_every_error_is_a_problem(http: httpx.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
