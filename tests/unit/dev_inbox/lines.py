"""Connections without a library's manners."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from dev_inbox.server import Inbox
from dev_inbox.state import Connection
from support.eventually import eventually

TRANSACTION = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"


def raw_line(inbox: Inbox) -> socket.socket:
    return socket.create_connection((inbox.smtp.host, inbox.smtp.port), timeout=5)


@contextmanager
def greeted(inbox: Inbox, greeting: bytes = b"EHLO me") -> Iterator[tuple[socket.socket, BinaryIO]]:
    """A line on which the greetings were exchanged, and the replies to come."""
    with raw_line(inbox) as line, line.makefile("rb") as replies:
        replies.readline()
        line.sendall(greeting + b"\r\n")
        while replies.readline()[3:4] == b"-":
            pass
        yield line, cast("BinaryIO", replies)


def codes(replies: BinaryIO, count: int) -> list[int]:
    """The codes of the next replies, one line each."""
    return [int(replies.readline()[:3]) for _ in range(count)]


def only_connection(inbox: Inbox) -> Connection:
    """The one connection, once it is over."""

    def closed() -> None:
        assert [connection.closed_at is not None for connection in inbox.connections()] == [True]

    eventually(closed)
    return inbox.connections()[0]
