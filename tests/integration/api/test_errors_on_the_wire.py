"""What is no proper request is answered as every other error is, and nothing of it comes back or reaches the log."""

import json
import socket
from collections.abc import Iterator

import pytest

from postern_local.ports import LOOPBACK

from .conftest import RunApi, RunningApi

MARK = b"ann@example.com"
GET = b"GET / HTTP/1.1\r\n"
POST = b"POST /v1/registrations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = b'{"email": "' + MARK + b'"}'


@pytest.fixture(scope="module")
def shared() -> dict[str, RunningApi]:
    return {}


@pytest.fixture
def api(run_api: RunApi) -> Iterator[RunningApi]:
    with run_api(AUTH_PUBLIC_URL="https://accounts.example.com") as running:
        yield running


def exchange(port: int, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes and read what comes until the end."""
    with socket.create_connection((LOOPBACK, port), timeout=10) as connection:
        connection.sendall(data)
        received = b""
        while b"\r\n\r\n" not in received or len(received.partition(b"\r\n\r\n")[2]) < _length(received):
            chunk = connection.recv(65536)
            if not chunk:
                break
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(status_line.split()[1]), headers, body


def _length(received: bytes) -> int:
    for line in received.partition(b"\r\n\r\n")[0].lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


CASES = [
    ("no host", GET + b"\r\n", 400),
    ("two hosts", GET + b"Host: a\r\nHost: b\r\n\r\n", 400),
    ("a host with a path", GET + b"Host: a/" + MARK + b"\r\n\r\n", 400),
    ("a host with a user", GET + b"Host: " + MARK + b"\r\n\r\n", 400),
    ("a host with a space", GET + b"Host: a b\r\n\r\n", 400),
    ("a header without a colon", GET + b"Host: x\r\n" + MARK + b" secret\r\n\r\n", 400),
    ("a header with a space in its name", GET + b"Host: x\r\nann " + MARK + b": secret\r\n\r\n", 400),
    ("a header with a control", GET + b"Host: x\r\nX: " + MARK + b"\x00\r\n\r\n", 400),
    ("a bare line feed", GET + b"Host: x\r\nX: a\nY: " + MARK + b"\r\n\r\n", 400),
    ("a continued line at first", GET + b" " + MARK + b"\r\nHost: x\r\n\r\n", 400),
    ("no request line", MARK + b"\r\n\r\n", 400),
    ("a method in lower case", b"get /" + MARK + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("no version", b"GET /" + MARK + b"\r\n\r\n", 400),
    ("another version", b"GET /" + MARK + b" HTTP/7.7\r\nHost: x\r\n\r\n", 505),
    ("an address that is none", b"GET http://[" + MARK + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a length that is none", POST + b"Content-Length: " + MARK + b"\r\n\r\n", 400),
    ("a length of a million digits", POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    ("two lengths", POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY, 400),
    ("a length and chunks", POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunks that are none", POST + b"Transfer-Encoding: chunked\r\n\r\n" + MARK + b"\r\n", 400),
    ("a chunk's line without end", POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + MARK * 300, 400),
    (
        "lines behind the chunks without end",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + MARK * 300,
        400,
    ),
    ("another transfer coding", POST + b"Transfer-Encoding: " + MARK + b"\r\n\r\n", 501),
    ("a long address", b"GET /" + MARK * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ("large headers", GET + b"Host: x\r\nX: " + MARK * 2000 + b"\r\n\r\n", 431),
    ("a body far too large", POST + b"Content-Length: 5000000\r\n\r\n" + BODY, 413),
    (
        "a body too large",
        POST + b"Content-Length: 1000000\r\n\r\n" + BODY + b"x" * (1000000 - len(BODY)),
        413,
    ),
    (
        "chunks too large",
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"F000\r\n" + b"x" * 0xF000 + b"\r\n0\r\n\r\n",
        413,
    ),
]


def test_every_error_below_the_application_is_a_problem_and_repeats_nothing(api: RunningApi) -> None:
    for port in (api.port, api.ops_port):
        for name, data, status in CASES:
            got, headers, body = exchange(port, data)
            if status == 413 and port == api.ops_port and got == 404:
                continue  # operators' listener has no call that would look at the body
            assert got == status, (name, got, body)
            assert headers["content-type"] == "application/problem+json", name
            problem = json.loads(body)
            assert problem["status"] == status, name
            assert problem["type"] == f"urn:postern:problem:{problem['code']}", name
            assert problem["title"], name
            assert problem["detail"], name
            assert problem["request_id"] == headers["x-request-id"], name
            assert headers["content-security-policy"].startswith("default-src 'none'"), name
            assert headers["x-content-type-options"] == "nosniff", name
            assert headers["cache-control"] == "no-store", name
            assert headers["strict-transport-security"].startswith("max-age="), name
            assert "server" not in headers, name
            assert MARK not in body, name
            assert MARK.decode() not in str(headers), name
    log = api.process.log.read_text(encoding="utf-8")
    assert "request_not_understood" in log
    assert MARK.decode() not in log
    assert "secret" not in log


def test_what_is_proper_is_answered(api: RunningApi) -> None:
    proper = [
        GET + b"Host: accounts.example.com\r\n\r\n",
        GET + b"Host: [::1]:8000\r\n\r\n",
        GET + b"Host: \r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
    ]
    assert [exchange(api.port, data)[0] for data in proper] == [303] * len(proper)


def test_a_caller_that_leaves_early_leaves_no_path_in_the_log(api: RunningApi) -> None:
    for _ in range(20):
        with socket.create_connection((LOOPBACK, api.port)) as connection:
            connection.sendall(b"GET /v1/receipts/" + b"r" * 43 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert exchange(api.port, GET + b"Host: x\r\n\r\n")[0] == 303
    assert "r" * 43 not in api.process.log.read_text(encoding="utf-8")
