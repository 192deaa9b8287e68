from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from dev_inbox.server import Inbox
from support.certificates import NOBODY
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter

LONG = "30"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(50) as threads:
        yield threads


def ask(http: httpx.Client, **query: str) -> list[dict[str, Any]]:
    answer = http.get("/api/messages", params=query, timeout=40)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["messages"])


def named(name: str, **words: str) -> bytes:
    return f"X-Postern-Letter: {name}\r\n".encode() + letter(**words)


def test_a_recipients_messages_say_letter_code_and_link(http: httpx.Client, connect: Connect) -> None:
    text = "Type 1234 5678 or open https://app.example/verify#token=abc.\n"
    connect().sendmail(SENDER, ["an@example.org"], named("urgent/verify_address", text=text))
    (found,) = ask(http, to="an@example.org")
    expected = {
        "letter": "urgent/verify_address",
        "code": "12345678",
        "link": "https://app.example/verify#token=abc",
    }
    assert {name: found[name] for name in expected} == expected
    assert expected.items() <= http.get(f"/api/messages/{found['id']}").json().items()


def test_a_message_that_is_there_is_given_without_waiting(http: httpx.Client, connect: Connect) -> None:
    connect().sendmail(SENDER, ["an@example.org"], letter())
    began = time.monotonic()
    assert len(ask(http, to="an@example.org", wait=LONG)) == 1
    assert time.monotonic() - began < 5


def test_who_waits_is_answered_as_soon_as_the_message_comes_and_not_by_somebody_elses(
    inbox: Inbox, connect: Connect, pool: ThreadPoolExecutor
) -> None:
    people = [f"an{n}@example.org" for n in range(50)]
    with httpx.Client(
        base_url=inbox.http_url, verify=NOBODY, limits=httpx.Limits(max_connections=None)
    ) as http:
        began = time.monotonic()
        waiting = [pool.submit(ask, http, to=person, wait=LONG) for person in people]
        client = connect()
        client.sendmail(SENDER, ["bo@example.org"], letter())
        for person in people:
            client.sendmail(SENDER, [person], letter(subject=f"To {person}"))
        answers = [each.result() for each in waiting]
    assert [[message["to"] for message in answer] for answer in answers] == [[[person]] for person in people]
    assert time.monotonic() - began < 20


def test_an_older_message_does_not_end_the_wait_for_a_newer_one_or_for_another_letter(
    http: httpx.Client, connect: Connect, pool: ThreadPoolExecutor
) -> None:
    client = connect()
    client.sendmail(SENDER, ["an@example.org"], named("urgent/verify_address", subject="first"))
    (first,) = ask(http, to="an@example.org")
    newer = pool.submit(ask, http, to="an@example.org", after=first["id"], wait=LONG)
    reset = pool.submit(ask, http, to="an@example.org", letter="reset_password", wait=LONG)
    client.sendmail(SENDER, ["an@example.org"], named("standard/new_sign_in", subject="second"))
    assert [message["subject"] for message in newer.result()] == ["second"]
    client.sendmail(SENDER, ["an@example.org"], named("urgent/reset_password", subject="third"))
    assert [message["subject"] for message in reset.result()] == ["third"]
    assert len(ask(http, to="an@example.org", letter="urgent/reset_password")) == 1
    assert len(ask(http, to="an@example.org", after="000000000000")) == 3


def test_the_list_is_empty_when_the_wait_is_over(http: httpx.Client) -> None:
    assert ask(http, to="an@example.org", wait="1") == []


@pytest.mark.parametrize("wait", ["61", "-1", "a moment", "1.5", "9999999999"])
def test_nobody_waits_for_ever(http: httpx.Client, wait: str) -> None:
    answer = http.get("/api/messages", params={"wait": wait})
    assert answer.status_code == 400
    assert "60" in answer.json()["detail"]


def test_the_inbox_stops_while_somebody_waits_and_after_somebody_left() -> None:
    inbox = Inbox().start()
    with httpx.Client(base_url=inbox.http_url, verify=NOBODY) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.get("/api/messages", params={"wait": LONG}, timeout=0.2)
    client = httpx.Client(base_url=inbox.http_url, verify=NOBODY, timeout=40)
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(httpx.TransportError):
            client.get("/api/messages", params={"wait": LONG})
        ended.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    inbox.stop()
    assert ended.wait(10)
    waiter.join()
    client.close()
