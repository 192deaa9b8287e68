"""A TCP connection that goes bad at an exact point: held, silently dead, or reset, before or after certain bytes."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit, urlunsplit

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CHUNK = 65_536


class Flow(StrEnum):
    """A direction."""

    UP = "up"
    """From the client to the server."""
    DOWN = "down"


class Then(StrEnum):
    """What happens to the connection that carries the bytes waited for, client to server."""

    HOLD_BEFORE = "hold_before"
    """They and all that follows stay in the proxy."""
    HOLD_AFTER = "hold_after"
    """The server gets them, and its answer stays in the proxy."""
    RESET_BEFORE = "reset_before"
    """The server never gets them, and the connection is reset."""
    RESET_AFTER = "reset_after"
    """The server gets them and answers; instead of the answer the client gets a reset."""


@dataclass(slots=True, kw_only=True)
class Tripwire:
    """Bytes waited for, once or every so many times; `tripped` is set the first time."""

    pattern: bytes
    then: Then
    every: int = 1
    times: int | None = 1
    seen: int = 0
    played: int = 0
    tripped: threading.Event = field(default_factory=threading.Event)

    def touched_by(self, chunk: bytes) -> bool:
        if self.pattern not in chunk or (self.times is not None and self.played >= self.times):
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.played += 1
        self.tripped.set()
        return True


@dataclass(slots=True, kw_only=True)
class _Link:
    client: socket.socket
    server: socket.socket
    held: set[Flow] = field(default_factory=set)
    reset_instead_of_answer: bool = False
    dead: bool = False

    def reset(self) -> None:
        self.dead = True
        for end in (self.client, self.server):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                end.shutdown(socket.SHUT_RD)  # wakes the thread that reads
            with suppress(OSError):
                end.close()


class Proxy:
    """Stands between clients and the server of `url`; `address` is the same URL through the proxy."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._target = (parts.hostname, parts.port)
        self._gate = threading.Condition()
        self._links: list[_Link] = []
        self._held: set[Flow] = set()
        self._wire: Tripwire | None = None
        self._listener: socket.socket | None = None
        self._port = 0
        self.accepted = 0
        self.open()
        login = parts.netloc.rpartition("@")[0]
        netloc = f"{login}@127.0.0.1:{self._port}" if login else f"127.0.0.1:{self._port}"
        self.address = urlunsplit(parts._replace(netloc=netloc))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.reset()

    def open(self) -> None:
        """Take connections, as at the beginning."""
        listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse new connections from now on."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def hold(self, *flows: Flow) -> None:
        """Let nothing through in these directions on any connection, present or future: a cable cut unseen."""
        with self._gate:
            self._held = set(flows) or set(Flow)

    def go_dead(self) -> None:
        """Let nothing through on the present connections, without a word; new ones work."""
        with self._gate:
            for link in self._links:
                link.held = set(Flow)

    def release(self) -> None:
        """Let everything through again, what was held first."""
        with self._gate:
            self._held = set()
            for link in self._links:
                link.held = set()
            self._gate.notify_all()

    def reset(self) -> None:
        """Reset all present connections; what was held is gone."""
        with self._gate:
            for link in self._links:
                link.reset()
            self._links = []
            self._gate.notify_all()

    def when(self, pattern: bytes, then: Then, *, every: int = 1, times: int | None = 1) -> Tripwire:
        """From now on do `then` to a connection on which a client sends `pattern`, so often."""
        self._wire = Tripwire(pattern=pattern, then=then, every=every, times=times)
        return self._wire

    def forget(self) -> None:
        """Wait for no bytes any more."""
        self._wire = None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                _Link(client=client, server=client).reset()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(client=client, server=server)
            with self._gate:
                self._links.append(link)
            self.accepted += 1
            for flow in Flow:
                threading.Thread(target=self._pump, args=(link, flow), daemon=True).start()

    def _pump(self, link: _Link, flow: Flow) -> None:
        source, target = (link.client, link.server) if flow is Flow.UP else (link.server, link.client)
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                if flow is Flow.UP:
                    self._watch(link, chunk)
                elif link.reset_instead_of_answer:
                    break
                if not self._may_pass(link, flow):
                    break
                target.sendall(chunk)
            else:
                if self._may_pass(link, flow):
                    target.shutdown(socket.SHUT_WR)
                    return
        with self._gate:
            link.reset()
            if link in self._links:
                self._links.remove(link)
            self._gate.notify_all()

    def _watch(self, link: _Link, chunk: bytes) -> None:
        with self._gate:
            if self._wire is None or not self._wire.touched_by(chunk):
                return
            match self._wire.then:
                case Then.HOLD_BEFORE:
                    link.held.add(Flow.UP)
                case Then.HOLD_AFTER:
                    link.held.add(Flow.DOWN)
                case Then.RESET_BEFORE:
                    link.dead = True
                case Then.RESET_AFTER:
                    link.reset_instead_of_answer = True

    def _may_pass(self, link: _Link, flow: Flow) -> bool:
        with self._gate:
            self._gate.wait_for(lambda: link.dead or flow not in self._held | link.held)
            return not link.dead


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """A proxy to the server of `url` until the end of the block."""
    with Proxy(url) as between:
        yield between
