"""The real transport: one SMTP server behind a pool of connections."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

from mailer_service.delivery.attempt import Phase, Transmission
from mailer_service.delivery.outcome import Meaning, Sent
from mailer_service.letters.compose import Message
from mailer_service.smtp.connection import Connection
from mailer_service.smtp.pool import ConnectionPool, PoolLimits
from mailer_service.smtp.redaction import redact
from mailer_service.smtp.reply import ConversationFailed, Reply, Silence
from mailer_service.smtp.reply_table import meaning_of
from mailer_service.smtp.server import SmtpServer


def build_tls_context() -> ssl.SSLContext:
    """Returns the context of every TLS connection: verified name and chain, TLS 1.2 or newer.

    A private authority is trusted by OpenSSL's own variables, SSL_CERT_FILE and SSL_CERT_DIR.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class SmtpTransport:
    """Hands letters to one server."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        hello_name: str,
        operation_seconds: float,
        dot_seconds: float | None = None,
        tls: ssl.SSLContext | None = None,
        limits: PoolLimits | None = None,
    ) -> None:
        """Takes the server and how it is spoken to.

        Args:
            server: which.
            hello_name: domain we greet with, in A-labels.
            operation_seconds: how long one answer may take.
            dot_seconds: how long the answer to the final dot may take, whatever the attempt's deadline; None for as
                long as any other.
            tls: of every protected connection.
            limits: of kept connections.
        """
        self._server = server
        self._hello_name = hello_name
        self._operation_seconds = operation_seconds
        self._dot_seconds = dot_seconds
        self._tls = tls or build_tls_context()
        self._pool = ConnectionPool(self._open, limits)

    def send(
        self,
        message: Message,
        *,
        deadline: float,
        keep: Callable[[], bool] = lambda: True,
    ) -> Transmission:
        """Tries once and always answers.

        Args:
            message: the letter.
            deadline: monotonic seconds; the final dot is not sent after it.
            keep: called about once a second while the reply to the dot is awaited; False ends the waiting.
        """
        started = time.monotonic()
        said: Reply | Silence
        try:
            phase, said = Phase.DOT, self._converse(message, deadline, keep)
            meaning = Meaning(verdict=Sent())
        except ConversationFailed as failure:
            phase, said = failure.phase, failure.cause
            meaning = meaning_of(phase, said)
        return Transmission(
            verdict=meaning.verdict,
            phase=phase,
            reply=redact(str(said), recipient=str(message.recipient)) if isinstance(said, Reply) else None,
            provider=self._server.name,
            concern=meaning.concern,
            alarm=meaning.alarm,
            duration_ms=round((time.monotonic() - started) * 1000),
        )

    def greet(self, *, deadline: float) -> None:
        """Connects, secures and logs in, and takes its leave; raises ConversationFailed."""
        self._open(deadline).close()

    @property
    def idle(self) -> int:
        """How many connections are kept open without a letter."""
        return len(self._pool)

    def trim(self, *, keep: int) -> None:
        """Closes connections idle for too long, and all but `keep` of the others."""
        self._pool.trim(keep=keep)

    def close(self) -> None:
        """Closes what is kept open."""
        self._pool.close()

    def _converse(self, message: Message, deadline: float, keep: Callable[[], bool]) -> Reply:
        def transmit(connection: Connection) -> Reply:
            return connection.transmit(message, deadline=deadline, dot_seconds=self._dot_seconds, keep=keep)

        reused = False
        try:
            with self._pool.borrow(deadline=deadline) as connection:
                reused = connection.letters > 0
                return transmit(connection)
        except ConversationFailed as failure:
            # A server may hang up on a kept connection at any moment. Before it has said anything about this letter,
            # that says nothing about the letter either, and a new connection costs it no attempt.
            if not (reused and failure.phase is Phase.MAIL and not connection.usable):
                raise
        with self._pool.borrow(deadline=deadline, fresh=True) as connection:
            return transmit(connection)

    def _open(self, deadline: float) -> Connection:
        return Connection.open(
            self._server,
            tls=self._tls,
            hello_name=self._hello_name,
            operation_seconds=self._operation_seconds,
            deadline=deadline,
        )
