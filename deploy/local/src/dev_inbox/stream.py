"""One SMTP connection as a stream: lines in, replies out; put under TLS, slowed down, cut."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Coroutine
from typing import Any, cast

import structlog

log = structlog.get_logger(__name__)

IDLE_SECONDS = 3600.0
"""Longer than the five minutes of RFC 5321 4.5.3.2.7, so that a scripted delay of five minutes is not cut short."""


_FINAL_DOT = b"\r\n.\r\n"


class Disconnected(Exception):
    """The connection is over, by whichever side."""


class Stream(asyncio.Protocol):
    """A connection's bytes. `serve` runs from the first moment and is cancelled when the client leaves.

    Attributes:
        unread: what came and was not taken yet.
        tls: the version of TLS ("TLSv1.3"); None in clear.
        handshake_failed: whether TLS was begun in vain.
    """

    def __init__(
        self,
        serve: Callable[[Stream], Coroutine[Any, Any, None]],
        *,
        on_close: Callable[[Stream], None],
        implicit_tls: bool = False,
    ) -> None:
        self.unread = bytearray()
        self.tls: str | None = None
        self.handshake_failed = False
        self._serve = serve
        self._on_close = on_close
        self._implicit_tls = implicit_tls
        self._ended = False
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to serve; nothing is read before TLS is on where TLS comes first."""
        self._transport = cast("asyncio.Transport", transport)
        if self._implicit_tls:
            self.pause()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Keeps what came until it is taken."""
        self.unread += data
        self._arrived.set()

    def pause_writing(self) -> None:
        """Makes replies wait for a client that does not read."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Lets them go on."""
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - whatever the reason
        """Ends the session, whatever it was doing."""
        self._task.cancel()
        self._end()

    # What a session does

    async def line(self, *, at_most: int) -> bytes:
        """Returns the next line without its end; raises Disconnected, or ValueError for one that is too long."""
        searched, too_long = 0, False
        while (end := self.unread.find(b"\n", searched)) < 0:
            if len(self.unread) > at_most:
                too_long = True
                self.unread.clear()
            searched = len(self.unread)
            await self._more()
        line = bytes(self.unread[:end])
        del self.unread[: end + 1]
        if too_long or len(line) > at_most:
            raise ValueError("too long")
        return line.removesuffix(b"\r")

    async def content(self, *, at_most: int) -> bytes | None:
        """Returns what comes before the final dot, dots unstuffed (RFC 5321 4.5.2); None if it is too much.

        Too much is read to its end all the same, so that the reply finds the client listening.
        """
        self.unread[:0] = b"\r\n"
        searched, too_much = 0, False
        while (end := self.unread.find(_FINAL_DOT, searched)) < 0:
            if len(self.unread) > at_most + len(_FINAL_DOT):
                too_much = True
                del self.unread[: -len(_FINAL_DOT)]
            searched = max(0, len(self.unread) - len(_FINAL_DOT) + 1)
            await self._more()
        raw = bytes(self.unread[: end + 2])
        del self.unread[: end + len(_FINAL_DOT)]
        return None if too_much or len(raw) - 2 > at_most else raw.replace(b"\r\n.", b"\r\n")[2:]

    async def send(self, reply: str, *, byte_seconds: float = 0.0) -> None:
        """Sends a reply, its lines separated by LF, slowly if asked to."""
        text = reply.replace("\r\n", "\n").removesuffix("\n").replace("\n", "\r\n")
        data = text.encode("utf-8", "surrogateescape") + b"\r\n"
        pieces = [data] if byte_seconds <= 0 else [data[at : at + 1] for at in range(len(data))]
        for piece in pieces:
            await self._writable.wait()
            self._transport.write(piece)
            if byte_seconds > 0:
                await asyncio.sleep(byte_seconds)

    def pause(self) -> None:
        """Leaves with the kernel what the client sends."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Takes it again."""
        self._transport.resume_reading()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Goes on under TLS; reading is paused by the caller before the client may begin. Raises Disconnected."""
        # What came in clear must not be taken for something said under TLS.
        self.unread.clear()
        self.handshake_failed = (
            True  # unless it succeeds, also where the client leaves or the server stops meanwhile
        )
        try:
            secure = await asyncio.get_running_loop().start_tls(
                self._transport, self, context, server_side=True
            )
        except (OSError, TimeoutError) as error:
            log.info("handshake_failed", error=type(error).__name__)
            raise Disconnected from error
        if secure is None:
            raise Disconnected
        self.handshake_failed = False
        self._transport = secure
        self.tls = secure.get_extra_info("ssl_object").version()

    def reset(self) -> None:
        """Cuts the line with a TCP reset."""
        # With a linger time of zero the kernel drops what is unsent and sends RST instead of FIN.
        peer: socket.socket = self._transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def hang_up(self) -> None:
        """Ends the connection as it is."""
        self._task.cancel()
        self._transport.abort()

    async def _run(self) -> None:
        try:
            await self._serve(self)
        except (Disconnected, TimeoutError):
            pass
        finally:
            self._transport.close()
            # The TLS layer tells nobody of a connection whose handshake did not succeed.
            self._end()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._on_close(self)

    async def _more(self) -> None:
        self._arrived.clear()
        async with asyncio.timeout(IDLE_SECONDS):
            await self._arrived.wait()
