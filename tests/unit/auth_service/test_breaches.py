"""The breach list: asked by five digits, and never in the way."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from auth_service.security.breaches import SECONDS, BreachList
from support.auth_api import AuthApi

KNOWN = "three boats at dawn"
DIGEST = hashlib.sha1(KNOWN.encode(), usedforsecurity=False).hexdigest().upper()


@dataclass(slots=True)
class Results:
    """An observer."""

    results: list[str] = field(default_factory=list)

    def breach_list_asked(self, result: str) -> None:
        self.results.append(result)


@dataclass(slots=True)
class Served:
    """A list on loopback.

    Attributes:
        body: what it answers.
        slow: keeps it from answering until set.
        asked: paths and whether padding was asked for.
    """

    url: str = ""
    body: str = ""
    status: int = 200
    hurry: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def breach_list(body: str, *, status: int = 200, hangs: bool = False) -> Iterator[Served]:
    served = Served(body=body, status=status)
    if not hangs:
        served.hurry.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers.get("Add-Padding")))
            served.hurry.wait(10)
            self.send_response(served.status)
            self.end_headers()
            self.wfile.write(served.body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/range"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        served.hurry.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_only_five_digits_leave_and_the_rest_is_compared_here() -> None:
    with breach_list(f"{'0' * 35}:3\r\n{DIGEST[5:]}:17\r\n") as served:
        observer = Results()
        listed = BreachList(served.url, observer)
        assert listed.knows(KNOWN)
        assert not listed.knows("four boats at dawn")
    assert observer.results == ["known", "unknown"]
    assert served.asked[0] == (f"/range/{DIGEST[:5]}", "true")
    assert all(len(path) == len("/range/") + 5 for path, _ in served.asked)


def test_padding_counts_for_nothing() -> None:
    with breach_list(f"{DIGEST[5:]}:0\r\n") as served:
        assert not BreachList(served.url, Results()).knows(KNOWN)


@pytest.mark.parametrize(
    ("body", "status"), [("<html>", 200), ("", 500), (f"{DIGEST[5:]}:x", 200), ("caf\u00e9:1", 200)]
)
def test_what_makes_no_sense_is_no_answer_and_nobody_asks_again_at_once(body: str, status: int) -> None:
    with breach_list(body, status=status) as served:
        observer = Results()
        listed = BreachList(served.url, observer)
        assert [listed.knows(KNOWN) for _ in range(3)] == [False] * 3
    assert observer.results == ["failed", "skipped", "skipped"]
    assert len(served.asked) == 1


def test_a_list_that_hangs_costs_one_caller_a_second_and_others_nothing() -> None:
    with breach_list("", hangs=True) as served:
        observer = Results()
        listed = BreachList(served.url, observer)
        started = time.monotonic()
        assert not listed.knows(KNOWN)
        assert time.monotonic() - started < SECONDS + 1
        started = time.monotonic()
        assert not any(listed.knows(KNOWN) for _ in range(100))
        assert time.monotonic() - started < 1
    assert observer.results == ["failed"] + ["skipped"] * 100


def test_a_list_that_is_away_is_no_error() -> None:
    observer = Results()
    assert not BreachList("http://127.0.0.1:1", observer).knows(KNOWN)
    assert observer.results == ["failed"]


def test_a_password_of_the_list_is_refused_before_anything_is_asked_of_the_database() -> None:
    with breach_list(f"{DIGEST[5:]}:17\r\n") as served:
        api = AuthApi.on("postgresql://auth@127.0.0.1:1/auth", breach_list_url=served.url)
        answer = api.post("/v1/registrations", {"email": "linh@example.com", "password": KNOWN})
    assert answer.status_code == 422
    assert [(flaw["pointer"], flaw["code"]) for flaw in answer.get_json()["errors"]] == [
        ("#/password", "breached")
    ]
    assert 'auth_breach_list_total{result="known"} 1.0' in api.get_ops("/metrics").text
