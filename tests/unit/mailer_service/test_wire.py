"""Reading replies from a socket, however they are cut, and what a server says it can do."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.smtp.commands import Extensions
from mailer_service.smtp.wire import Garbage, Wire

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F), max_size=40)


@contextmanager
def wire_from(octets: bytes) -> Iterator[tuple[Wire, socket.socket]]:
    """A wire on which these octets, and nothing more, have arrived."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(octets)
        yield Wire(ours, operation_seconds=0.2), theirs


def soon() -> float:
    return time.monotonic() + 2


@given(code=st.integers(200, 599), lines=st.lists(TEXT, min_size=1, max_size=5), cut=st.integers(1, 30))
def test_a_reply_is_read_whole_however_it_was_cut(code: int, lines: list[str], cut: int) -> None:
    marks = ["-"] * (len(lines) - 1) + [" "]
    octets = "".join(f"{code}{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True)).encode()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for start in range(0, len(octets), cut):
            theirs.send(octets[start : start + cut])
        theirs.send(b"250 next\r\n")
        wire = Wire(ours, operation_seconds=1)
        found, words = wire.read_reply(deadline=soon())
        assert found == code
        assert words.split(b"\n") == [line.encode().strip() for line in lines]
        assert wire.has_news()
        assert wire.read_reply(deadline=soon()) == (250, b"next")
        assert not wire.has_news()


@given(st.binary(max_size=200))
def test_whatever_arrives_is_a_reply_or_garbage_or_the_end(octets: bytes) -> None:
    with wire_from(octets) as (wire, theirs):
        theirs.shutdown(socket.SHUT_WR)
        try:
            code, words = wire.read_reply(deadline=soon())
        except (Garbage, EOFError):
            return
        assert 200 <= code < 600
        assert words.count(b"\n") < octets.count(b"\n")


def test_the_end_of_the_line_is_news_and_stays_so() -> None:
    with wire_from(b"") as (wire, theirs):
        assert not wire.has_news()
        theirs.close()
        for _ in range(2):
            assert wire.has_news()
        with pytest.raises(EOFError):
            wire.read_reply(deadline=soon())


def test_a_silent_server_is_waited_for_as_long_as_an_operation_may_take() -> None:
    with wire_from(b"250-still") as (wire, _):
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            wire.read_reply(deadline=soon())
        assert 0.1 < time.monotonic() - started < 2


def test_a_server_that_does_not_read_is_waited_for_as_long_too() -> None:
    with wire_from(b"") as (wire, _), pytest.raises(TimeoutError):
        wire.send(b"x" * (1 << 24), deadline=soon())


def test_nothing_is_begun_after_the_deadline() -> None:
    with wire_from(b"250 Ok\r\n") as (wire, theirs):
        past = time.monotonic() - 1
        with pytest.raises(TimeoutError):
            wire.send(b"NOOP\r\n", deadline=past)
        with pytest.raises(TimeoutError):
            wire.read_reply(deadline=past)
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


def test_extensions_are_read_in_any_case_and_what_is_unknown_is_left_out() -> None:
    words = "mail.example\nPipelining\n8bitmime\nSIZE 1000\nAUTH plain\nAUTH=LOGIN CRAM-MD5\nDSN\n\nSTARTTLS"
    assert Extensions.read(words) == Extensions(
        starttls=True,
        pipelining=True,
        eight_bit=True,
        size=True,
        size_limit=1000,
        auth=frozenset({"PLAIN", "LOGIN", "CRAM-MD5"}),
    )
    assert Extensions.read("PIPELINING") == Extensions()


@given(st.text(max_size=200))
def test_no_greeting_is_too_strange_to_be_read(words: str) -> None:
    assert Extensions.read(f"mail.example\nSIZE {words}\nAUTH {words}").size


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b"220-mail.example\r\n521 5.7.1 blocked\r\n", (521, b"5.7.1 blocked")),
        (
            b"220-mail.example\r\n554-No SMTP service\r\n554 See our site\r\n",
            (554, b"No SMTP service\nSee our site"),
        ),
        (b"554-No\r\n220 ready\r\n", (554, b"No")),
        (b"220-mail.example\r\n220 ready\r\n", (220, b"mail.example\nready")),
    ],
)
def test_a_banner_that_greets_and_refuses_keeps_the_words_of_the_refusal(
    said: bytes, heard: tuple[int, bytes]
) -> None:
    with wire_from(said) as (wire, _):
        assert wire.read_reply(deadline=soon(), banner=True) == heard


def test_only_a_banner_may_change_its_mind() -> None:
    with wire_from(b"250-yes\r\n550 no\r\n") as (wire, _), pytest.raises(Garbage):
        wire.read_reply(deadline=soon())
