"""One SMTP connection as a stream: counted from its first moment, put under TLS, slowed down, cut."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
from collections import defaultdict
from typing import AnyStr

import structlog
from aiosmtpd.smtp import SMTP

from dev_inbox.connections import Connection
from dev_inbox.extensions import MESSAGE_BYTES_AT_MOST
from dev_inbox.reception import Reception

log = structlog.get_logger(__name__)

HOSTNAME = "inbox.localhost"
IDLE_SECONDS = 3600.0
"""Longer than the five minutes of RFC 5321 4.5.3.2.7, so that a scripted delay of five minutes is not cut short."""
_COMMAND_BYTES_AT_MOST = 2048

# aiosmtpd logs every command line and, at debug level, every line of a message.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class Line(SMTP):
    """One connection, kept open as long as the client likes.

    Attributes:
        reception: what all connections share.
        connection: what is recorded of this one.
    """

    command_size_limit = _COMMAND_BYTES_AT_MOST
    connection: Connection

    def __init__(
        self, hooks: object, reception: Reception, live: set[Line], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            hooks,
            data_size_limit=MESSAGE_BYTES_AT_MOST,
            enable_SMTPUTF8=True,
            hostname=HOSTNAME,
            ident="ESMTP development inbox",
            timeout=IDLE_SECONDS,
            loop=loop,
        )
        # The library keeps one table for all connections, and each new connection clears it for the others.
        self.command_size_limits = defaultdict(lambda: _COMMAND_BYTES_AT_MOST)
        self.reception = reception
        self._live = live
        self._banner: str | None = None
        self._byte_seconds = 0.0

    @property
    def unread(self) -> bytearray:
        """What came and was not read yet; the stream has no public way to tell."""
        buffer: bytearray = self._reader._buffer  # type: ignore[attr-defined]  # noqa: SLF001
        return buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts counting."""
        self.connection = self.reception.connections.open(self.reception.terms.max_connections)
        self._live.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Ends counting."""
        super().connection_lost(error)
        self._live.discard(self)
        self.reception.connections.close(self.connection)

    def eof_received(self) -> bool:
        """Lets the transport close by itself.

        The library closes it in its session task, which never runs if the client leaves before the task's first step.
        """
        super().eof_received()
        return False

    def hang_up(self) -> None:
        """Closes the connection as it is."""
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
        self._writer.transport.abort()

    def reset(self) -> None:
        """Cuts the line with a TCP reset."""
        # With a linger time of zero the kernel drops what is unsent and sends RST instead of FIN.
        peer: socket.socket = self._writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def read(self, *, wanted: bool) -> None:
        """Lets come in what the client sends, or leaves it with the kernel."""
        if isinstance(self.transport, asyncio.Transport):
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    async def secure(self, context: ssl.SSLContext) -> None:
        """Goes on under TLS as if the client had just connected (RFC 3207 4.2).

        The library's own way leaves out TLS from the first byte, and a handshake that fails leaves it confused.

        Raises:
            asyncio.CancelledError: the handshake failed and the connection is over.
        """
        # What came in clear must not be taken for something said under TLS.
        self.unread.clear()
        failed = True
        try:
            await self._writer.start_tls(context)
            failed = False
        except OSError as error:
            log.info("handshake_failed", error=type(error).__name__)
            raise asyncio.CancelledError from error
        finally:
            if failed:
                self.reception.connections.fail_handshake(self.connection)
                # The TLS layer tells nobody: it knows of no connection before the handshake is done.
                self.connection_lost(None)
        self.transport = self._writer.transport
        self.connection.tls = self._writer.get_extra_info("ssl_object").version()
        self.envelope = self._create_envelope()
        self.session = self._create_session()

    async def push(self, status: AnyStr) -> None:
        """Sends a reply, slowly if a rule says so."""
        reply: str | bytes = status
        if self._banner is not None:
            reply, self._banner = self._banner, None
        if isinstance(reply, str):
            reply = reply.replace("\r\n", "\n").removesuffix("\n").replace("\n", "\r\n")
            reply = reply.encode("utf-8", "surrogateescape")
        byte_seconds, self._byte_seconds = self._byte_seconds, 0.0
        if byte_seconds > 0:
            for number in range(len(reply)):
                self._writer.write(reply[number : number + 1])
                await asyncio.sleep(byte_seconds)
            reply = b""
        await super().push(reply)
