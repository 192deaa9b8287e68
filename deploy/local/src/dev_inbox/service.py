"""SMTP and HTTP on one event loop, started and stopped together, and where and with what certificate they listen."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from tornado.httpserver import HTTPServer

from dev_inbox.api import build_application
from dev_inbox.mailbox import BYTES_KEPT, MESSAGES_KEPT
from dev_inbox.session import Session
from dev_inbox.state import Policy, ServerState
from dev_inbox.stream import Stream

log = structlog.get_logger(__name__)

# Room for a burst of clients between two turns of the event loop.
_WAITING_TO_BE_ACCEPTED = 1024
# Room for a script that answers with a line of a megabyte.
_BODY_BYTES_AT_MOST = 4 * 2**20


class CannotListen(Exception):
    """An address is taken or not this machine's; the text names it."""


class BadCertificate(Exception):
    """A certificate or its key is of no use; the text names the file."""


def read_certificate(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """Returns a server's TLS settings (1.2 or later) with the certificate, PEM, and its key, if not in the same file.

    Raises:
        BadCertificate: a file cannot be read, is no such thing, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password of its own the library would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        reason = "not a certificate with its key" if isinstance(error, ssl.SSLError) else error.strerror
        raise BadCertificate(f"{certificate}: {reason}") from error
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A host and a port; port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 0

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listen(self) -> socket.socket:
        """Returns a listening socket that does not block; raises CannotListen."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listening = socket.create_server(
                (self.host, self.port), family=family, backlog=_WAITING_TO_BE_ACCEPTED
            )
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
            raise CannotListen(f"{self}: {reason}") from error
        listening.setblocking(False)
        return listening

    def at(self, listening: socket.socket) -> Endpoint:
        """Returns the same host with the port the socket got."""
        return Endpoint(host=self.host, port=listening.getsockname()[1])


class SmtpServer:
    """The listening sockets of the SMTP side and the connections they accepted."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._open: set[Stream] = set()
        self._servers: list[asyncio.Server] = []

    async def start(self, listening: socket.socket, *, implicit_tls: ssl.SSLContext | None = None) -> None:
        """Takes connections from the socket, which is its own from then on; under TLS from the first byte, if given."""
        accept = partial(self._accept, implicit_tls)
        self._servers.append(await asyncio.get_running_loop().create_server(accept, sock=listening))

    async def stop(self) -> None:
        """Stops listening and ends every connection."""
        for server in self._servers:
            server.close()
        for stream in tuple(self._open):
            stream.hang_up()
        for server in self._servers:
            await server.wait_closed()

    def _accept(self, implicit_tls: ssl.SSLContext | None) -> Stream:
        connections = self._state.connections
        connection = connections.open(self._state.policy.max_connections)

        async def serve(stream: Stream) -> None:
            if implicit_tls is not None:
                await stream.start_tls(implicit_tls)
                connection.tls = stream.tls
            await Session(self._state, connection, stream).serve()

        def close(stream: Stream) -> None:
            self._open.discard(stream)
            if stream.handshake_failed:
                connections.fail_handshake(connection)
            connections.close(connection)

        stream = Stream(serve, on_close=close, implicit_tls=implicit_tls is not None)
        self._open.add(stream)
        return stream


class Service:
    """The inbox inside a running event loop.

    Attributes:
        smtp: where it takes mail; STARTTLS if the policy holds a certificate.
        smtps: where it takes mail under TLS from the first byte; None is nowhere, as without a certificate.
        http: where it shows mail.
    """

    def __init__(
        self,
        *,
        smtp: Endpoint,
        http: Endpoint,
        smtps: Endpoint | None = None,
        policy: Policy | None = None,
        messages_kept: int = MESSAGES_KEPT,
        bytes_kept: int = BYTES_KEPT,
    ) -> None:
        self.state = ServerState(policy=policy, messages_kept=messages_kept, bytes_kept=bytes_kept)
        self.smtp = smtp
        self.smtps = None if self.state.policy.tls is None else smtps
        self.http = http
        self._smtp = SmtpServer(self.state)
        self._http: HTTPServer | None = None

    async def start(self) -> None:
        """Listens on all; from then on `smtp`, `smtps` and `http` say where. Raises CannotListen."""
        with ExitStack() as opened:
            mail = opened.enter_context(self.smtp.listen())
            web = opened.enter_context(self.http.listen())
            secure_mail = opened.enter_context(self.smtps.listen()) if self.smtps else None
            opened.pop_all()
        self.smtp, self.http = self.smtp.at(mail), self.http.at(web)
        await self._smtp.start(mail)
        if self.smtps is not None and secure_mail is not None:
            self.smtps = self.smtps.at(secure_mail)
            await self._smtp.start(secure_mail, implicit_tls=self.state.policy.tls)
        application = build_application(self.state, smtp_url=f"smtp://{self.smtp}", host=self.http.host)
        self._http = HTTPServer(application, max_body_size=_BODY_BYTES_AT_MOST)
        self._http.add_sockets([web])
        secure = {"smtps": str(self.smtps)} if self.smtps else {}
        log.info("inbox_ready", smtp=str(self.smtp), http=str(self.http), **secure)

    async def stop(self) -> None:
        """Closes every socket; what was kept is gone with the process."""
        if self._http is not None:
            self._http.stop()
            await self._http.close_all_connections()
        await self._smtp.stop()
        log.info("inbox_stopped")
