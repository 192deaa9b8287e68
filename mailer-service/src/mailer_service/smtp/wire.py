"""A socket, written and read against the clock: each wait is bounded, all of them together too, and so is what is read.

A server that sends a byte a second never runs into a socket's timeout, and one that never stops sending would fill the
memory: every reply has a time of its own inside the attempt's, and a limit of octets.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
from typing import Self

from mailer_service.smtp.reply import Silence

_MAX_LINE_OCTETS = 8 * 1024
"""RFC 5321, section 4.5.3.1.5, says 512; servers that quote headers or addresses say more."""
_MAX_REPLY_OCTETS = 64 * 1024
_REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_READ_OCTETS = 4096


class Garbage(Exception):
    """What came is no reply of RFC 5321, or has no end."""


_SILENCES: tuple[tuple[type[Exception], Silence], ...] = (
    (Garbage, Silence.GARBAGE),
    (socket.gaierror, Silence.NAME_NOT_FOUND),
    (UnicodeError, Silence.NAME_NOT_FOUND),
    (ssl.SSLEOFError, Silence.CONNECTION_LOST),
    (ssl.SSLZeroReturnError, Silence.CONNECTION_LOST),
    (ssl.SSLError, Silence.TLS_FAILED),
    (TimeoutError, Silence.TIMEOUT),
    (ConnectionRefusedError, Silence.REFUSED),
)
"""The first kind that fits decides; most of them are an OSError too."""


def silence_of(error: Exception) -> Silence:
    """Returns what a failure of the wire is called; a connection lost unless it is something better known."""
    return next((silence for kind, silence in _SILENCES if isinstance(error, kind)), Silence.CONNECTION_LOST)


class Wire:
    """One socket. Deadlines are monotonic seconds; past them every method raises TimeoutError.

    All other ways a socket fails are an OSError. The socket never blocks: waiting is asked for where there is something
    to wait for, since every system call lets another thread have the interpreter.
    """

    def __init__(self, sock: socket.socket, *, operation_seconds: float) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._operation_seconds = operation_seconds
        self._unread = b""

    @classmethod
    def dial(cls, host: str, port: int, *, operation_seconds: float, deadline: float) -> Self:
        """Connects to the first of the host's addresses that takes the call; raises OSError."""
        failure: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(_patience(operation_seconds, deadline))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return cls(sock, operation_seconds=operation_seconds)
        raise failure or OSError("the name has no address")

    def secure(self, context: ssl.SSLContext, host: str, *, deadline: float) -> None:
        """Goes on under TLS; raises ssl.SSLError if the server cannot prove to be that host."""
        self._socket.settimeout(_patience(self._operation_seconds, deadline))
        secured = context.wrap_socket(self._socket, server_hostname=host)
        secured.setblocking(False)
        self._socket = secured

    def send(self, octets: bytes, *, deadline: float) -> None:
        """Sends all of it; where that fails, the last octet certainly did not leave."""
        deadline = min(deadline, time.monotonic() + self._operation_seconds)
        rest = memoryview(octets)
        while rest:
            _patience(self._operation_seconds, deadline)
            try:
                rest = rest[self._socket.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT, deadline)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN, deadline)

    def read_reply(self, *, deadline: float, banner: bool = False) -> tuple[int, bytes]:
        """Returns a reply's code and its lines, without their codes, joined by LF.

        Args:
            deadline: in monotonic seconds.
            banner: some servers greet with 220 and refuse in the same reply: then the lines of the highest code count.

        Raises:
            EOFError: the server hung up.
            Garbage: it is not a reply.
        """
        deadline = min(deadline, time.monotonic() + self._operation_seconds)
        code = b""
        words: list[bytes] = []
        left = _MAX_REPLY_OCTETS
        while True:
            line = self._read_line(deadline)
            left -= len(line)
            found = _REPLY_LINE.fullmatch(line)
            if found is None or left < 0 or not (banner or code in {b"", found[1]}):
                raise Garbage
            if found[1] > code:
                code, words = found[1], []
            if found[1] == code:
                words.append((found[3] or b"").strip())
            if found[2] != b"-":
                return int(code), b"\n".join(words)

    def has_news(self) -> bool:
        """Whether something unread is there, words or the end of the line; asks nobody and waits for nothing."""
        if self._unread:
            return True
        # Read rather than polled: under TLS what arrived may be no more than a session ticket.
        try:
            self._unread = self._socket.recv(_READ_OCTETS)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            pass  # whoever reads next is told
        return True

    def wait_for_news(self, seconds: float) -> bool:
        """Waits so long for something to read; tells whether there is."""
        if self.has_news():
            return True
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        return bool(poller.poll(seconds * 1000)) and self.has_news()

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()

    def _read_line(self, deadline: float) -> bytes:
        while (end := self._unread.find(b"\n")) < 0:
            if len(self._unread) > _MAX_LINE_OCTETS:
                raise Garbage
            octets = self._receive(deadline)
            if not octets:
                raise EOFError("the server hung up")
            self._unread += octets
        if end > _MAX_LINE_OCTETS:
            raise Garbage
        line, self._unread = self._unread[:end], self._unread[end + 1 :]
        return line.removesuffix(b"\r")

    def _receive(self, deadline: float) -> bytes:
        # A reply takes its time, so waiting comes first; but TLS may have decrypted more than was asked for.
        if not isinstance(self._socket, ssl.SSLSocket):
            self._wait(select.POLLIN, deadline)
        while True:
            _patience(self._operation_seconds, deadline)
            try:
                return self._socket.recv(_READ_OCTETS)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT, deadline)

    def _wait(self, for_what: int, deadline: float) -> None:
        poller = select.poll()
        poller.register(self._socket, for_what)
        if not poller.poll(_patience(self._operation_seconds, deadline) * 1000):
            raise TimeoutError("the server took too long")


def _patience(operation_seconds: float, deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("the attempt's time is over")
    return min(operation_seconds, remaining)
