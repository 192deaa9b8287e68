"""Letters that break parsers, read through every door of the inbox: none answers 500."""

import random
from collections.abc import Iterator

import httpx
import pytest

from dev_inbox.parts import read_parts, read_subject
from dev_inbox.server import Inbox
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER

CHARSETS = (
    *(
        "utf-8",
        "utf\0",
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "hex",
        "rot13",
        "undefined",
    ),
    *("utf-7", "utf-16", "base64", "zlib", "", '"', "é", "us-ascii''", "x" * 300),
)
HEADS = (
    "Content-Type: text/html; charset={}",
    "Content-Type: text/html; charset*=utf-8''{}",
    "Content-Type: text/html; charset*0*={}; charset*1=x",
    'Content-Type: text/html; charset="{}',
    "Subject: =?{}?q?x=20?=",
    "Subject: =?{}?b?gICA?=",
    "Content-Disposition: attachment; filename*={}''x\r\nContent-Type: text/html",
    "Content-Transfer-Encoding: {}\r\nContent-Type: text/html",
)
PIECES = (
    *(
        "<![",
        "<!",
        "]>",
        "-->",
        "<!--",
        "<![CDATA[",
        "<![if",
        "FOR",
        "<?",
        "</",
        "<",
        ">",
        "/",
        '"',
        "'",
        "=",
        "\0",
    ),
    *(
        "<a href=",
        "http://",
        "http://[",
        "&#",
        "&#x110000;",
        "&#xD800;",
        "&#99999999999999999999;",
        "+2AA-",
        "\\ud800",
    ),
    *("<script>", "<svg", "<title>", "<textarea>", "<plaintext>", "\u20ac"),
)


def hostile_letters(count: int) -> Iterator[bytes]:
    rng = random.Random(24)  # noqa: S311 - to be the same each time, not secret
    for number in range(count):
        head = HEADS[number % len(HEADS)].format(rng.choice(CHARSETS))
        body = "".join(rng.choices(PIECES, k=rng.randrange(14)))
        yield f"{head}\r\n\r\n{body}\r\n".encode(rng.choice(("utf-8", "latin-1")), "replace")
    for depth in (50, 200, 2000):
        yield b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
            for level in range(depth)
        )
    yield b"Content-Type: message/rfc822\r\n\r\n" * 2000


@pytest.mark.filterwarnings("ignore:.*invalid (escape|octal):DeprecationWarning")
def test_any_letter_is_read_and_what_was_read_can_be_sent_on() -> None:
    for raw in hostile_letters(4000):
        read_subject(raw).encode()
        parts = read_parts(raw)
        for text in (*parts.headers.values(), parts.text or "", parts.html or "", *parts.links):
            text.encode()


@pytest.mark.filterwarnings("ignore:.*invalid (escape|octal):DeprecationWarning")
def test_any_letter_that_was_taken_is_shown(http: httpx.Client, connect: Connect) -> None:
    client = connect()
    for raw in (b"Content-Type: text/html\r\n\r\n<p>x<![FOR]>y</p>\r\n", *hostile_letters(120)):
        client.sendmail(SENDER, ["an@example.org"], raw)
        (message,) = http.get("/api/messages", params={"limit": "1"}).json()["messages"]
        paths = (f"/api/messages/{message['id']}", f"/messages/{message['id']}/html")
        assert [http.get(path).status_code for path in paths] == [200, 200], raw


@pytest.mark.parametrize("limit", ["9" * 5000, "1e3", "٣", "-1", ""])
def test_a_limit_that_is_none_is_said_so(http: httpx.Client, limit: str) -> None:
    assert http.get("/api/messages", params={"limit": limit}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/api/messages", "/api/script", "/api/connections", "/healthz", "/nowhere"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_door_opens_to_another_sites_name(
    inbox: Inbox, http: httpx.Client, path: str, method: str
) -> None:
    port = inbox.http_url.rpartition(":")[2].strip("/")
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evillocalhost",
    ):
        assert http.request(method, path, headers={"Host": host}).status_code == 421, host
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", "[::1]"):
        assert http.request(method, path, headers={"Host": host}).status_code not in {421, 500}, host
