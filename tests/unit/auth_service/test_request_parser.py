"""① What a request may make the server keep and look through while it comes in."""

import time
from collections.abc import Callable

import pytest
from waitress.adjustments import Adjustments

from auth_service.http.request_parser import MAX_CHUNK_LINE_BYTES, MAX_RECEIVED_BYTES, RequestParser

HEAD = b"POST /v1/registrations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
PACKET = 8192


def parser(*begin: bytes) -> RequestParser:
    parsing = RequestParser(Adjustments(max_request_body_size=MAX_RECEIVED_BYTES))
    for data in (HEAD, *begin):
        parsing.received(data)
        assert not parsing.completed
    return parsing


ENDLESS: dict[str, Callable[[], RequestParser]] = {
    "the line of a chunk": parser,
    "the extension of a chunk": lambda: parser(b"1;a="),
    "the line of a second chunk": lambda: parser(b"1\r\nx\r\n"),
    "the lines behind the chunks": lambda: parser(b"0\r\nX: "),
    "one more line behind the chunks": lambda: parser(b"0\r\n" + b"X: y\r\n" * 100),
}


@pytest.mark.parametrize("where", ENDLESS)
@pytest.mark.parametrize("size", [1, 500, PACKET])
def test_a_framing_line_without_end_is_refused_after_a_few_kilobytes(where: str, size: int) -> None:
    parsing = ENDLESS[where]()
    taken = 0
    while not parsing.completed:
        taken += parsing.received(b"1" * size)
        assert taken <= MAX_CHUNK_LINE_BYTES + PACKET
    assert parsing.error.code == 400


@pytest.mark.parametrize("text", [b'";a="', b'\\"', b';a="\\"', b";a", b";a=", b' ;a="b" '])
def test_whatever_a_framing_line_says_is_read_at_once(text: bytes) -> None:
    parsing = parser()
    started = time.process_time()
    parsing.received(b"1;a=" + text * (PACKET // len(text) - 1) + b"\r\n")
    assert time.process_time() - started < 0.3


def test_chunks_with_extensions_and_trailers_are_understood() -> None:
    parsing = parser()
    parsing.received(b'3;a="b"\r\n{"a\r\n4\r\n": 1\r\n1\r\n}\r\n0\r\nX-Checksum: 1\r\n\r\n')
    assert parsing.completed
    assert parsing.error is None
    assert parsing.get_body_stream().read() == b'{"a": 1}'
