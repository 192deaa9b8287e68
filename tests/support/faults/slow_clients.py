"""Clients that keep connections open and hardly say anything, as an attacker does who wants all of a server's threads."""

import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, cycle, islice, repeat
from typing import Self

from support.eventually import eventually

_HEADERS = "POST /v1/registrations HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
_LENGTH = 4000
"""Of the body that is announced; at a byte a second it would take an hour."""


class Manner(StrEnum):
    """How little a client says."""

    SILENT = "nothing"
    HEADERS = "a byte of header a second"
    BODY = "a byte of body a second"


@dataclass(slots=True, kw_only=True)
class _Client:
    manner: Manner
    socket: socket.socket
    words: Iterator[bytes] = field(repr=False)


class SlowClients:
    """That many connections during the block, each opened anew whenever the server closes it.

    Attributes:
        connected: open at the moment.
        closed: how often the server has closed one.
    """

    def __init__(self, address: str, count: int, manners: Sequence[Manner]) -> None:
        """Prepares them.

        Args:
            address: host:port of the server.
            count: connections at any time.
            manners: of the connections in turn.
        """
        host, _, port = address.rpartition(":")
        self._server = (host, int(port))
        self._manners = list(islice(cycle(manners), count))
        self._clients: list[_Client] = []
        self._selector = selectors.DefaultSelector()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self.connected = 0
        self.closed = 0

    def __enter__(self) -> Self:
        self._thread.start()
        eventually(lambda: self.connected == len(self._manners), within=30)
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join()
        self._selector.close()

    def _drip(self) -> None:
        waiting = list(self._manners)
        while not self._leaving.is_set():
            waiting = [manner for manner in waiting if not self._open(manner)]
            until = time.monotonic() + 1
            for client in list(self._clients):
                if not self._say(client):
                    waiting.append(self._forget(client))
            while (left := until - time.monotonic()) > 0 and not self._leaving.is_set():
                for key, _ in self._selector.select(min(left, 0.2)):
                    if not self._hear(key.data):
                        waiting.append(self._forget(key.data))
        for client in list(self._clients):
            self._forget(client)

    def _open(self, manner: Manner) -> bool:
        try:
            connection = socket.create_connection(self._server, timeout=2)
        except OSError:
            return False
        connection.setblocking(False)
        client = _Client(manner=manner, socket=connection, words=self._words(manner))
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)
        self.connected += 1
        return True

    def _words(self, manner: Manner) -> Iterator[bytes]:
        headers = _HEADERS.format(host=":".join(map(str, self._server))).encode()
        match manner:
            case Manner.SILENT:
                return repeat(b"")
            case Manner.HEADERS:
                return chain((bytes([byte]) for byte in headers), repeat(b"a"))
            case Manner.BODY:
                return chain([headers + f"Content-Length: {_LENGTH}\r\n\r\n".encode()], repeat(b" "))

    def _say(self, client: _Client) -> bool:
        try:
            return not (word := next(client.words)) or client.socket.send(word) == len(word)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _hear(self, client: _Client) -> bool:
        try:
            return bool(client.socket.recv(65536))
        except OSError:
            return False

    def _forget(self, client: _Client) -> Manner:
        if client in self._clients:
            self._clients.remove(client)
            self._selector.unregister(client.socket)
            client.socket.close()
            self.connected -= 1
            self.closed += 1
        return client.manner
