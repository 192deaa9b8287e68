"""The real transport: one SMTP server behind a pool of connections."""

from __future__ import annotations

import ssl

import structlog

from mailer_service.delivery.outcome import Sent, TryLater
from mailer_service.delivery.transport import OutgoingLetter, Phase, Transmission
from mailer_service.smtp.connection import Connection
from mailer_service.smtp.message import Message, Sender, compose
from mailer_service.smtp.pool import ConnectionPool, PoolLimits
from mailer_service.smtp.redaction import redact
from mailer_service.smtp.replies import meaning_of
from mailer_service.smtp.reply import ConversationFailed, Reply
from mailer_service.smtp.server import SmtpServer

log = structlog.get_logger(__name__)


def build_tls_context() -> ssl.SSLContext:
    """Returns the context of every TLS connection: verified name and chain, TLS 1.2 or newer.

    A private authority is trusted by OpenSSL's own variables, SSL_CERT_FILE and SSL_CERT_DIR.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class SmtpTransport:
    """Hands letters to one server, as `delivery.transport.Transport` asks."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        sender: Sender,
        operation_seconds: float,
        tls: ssl.SSLContext | None = None,
        limits: PoolLimits | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._operation_seconds = operation_seconds
        self._tls = tls or build_tls_context()
        self._pool = ConnectionPool(self._open, limits)

    def send(self, letter: OutgoingLetter, *, deadline: float) -> Transmission:
        """Tries once and always answers.

        Args:
            letter: what to send.
            deadline: monotonic seconds; the final dot is not sent after it.

        Raises:
            UnfitLetter: no server could take it; none was asked.
        """
        message = compose(letter, self._sender)
        try:
            reply = self._converse(message, deadline)
        except ConversationFailed as failure:
            return self._failed(failure, letter)
        return Transmission(
            verdict=Sent(),
            phase=Phase.DOT,
            reply=redact(str(reply), recipient=letter.recipient),
            provider=self._server.name,
        )

    def close(self) -> None:
        """Closes what is kept open."""
        self._pool.close()

    def _converse(self, message: Message, deadline: float) -> Reply:
        reused = False
        try:
            with self._pool.borrow(deadline=deadline) as connection:
                reused = connection.letters > 0
                return connection.transmit(message, deadline=deadline)
        except ConversationFailed as failure:
            # A server may hang up on a kept connection at any moment. Before it has said anything about this letter,
            # that says nothing about the letter either, and a new connection costs it no attempt.
            if not (reused and failure.phase is Phase.MAIL and not connection.usable):
                raise
        with self._pool.borrow(deadline=deadline, fresh=True) as connection:
            return connection.transmit(message, deadline=deadline)

    def _failed(self, failure: ConversationFailed, letter: OutgoingLetter) -> Transmission:
        verdict = meaning_of(failure.phase, failure.cause)
        if isinstance(verdict, TryLater) and failure.phase in {Phase.TLS, Phase.AUTH}:
            # Nothing that time alone mends: a person should look.
            log.error(
                "smtp_session_refused",
                provider=self._server.name,
                phase=failure.phase,
                reason=verdict.reason,
            )
        said = failure.cause if isinstance(failure.cause, Reply) else None
        return Transmission(
            verdict=verdict,
            phase=failure.phase,
            reply=redact(str(said), recipient=letter.recipient) if said else None,
            provider=self._server.name,
        )

    def _open(self, deadline: float) -> Connection:
        return Connection.open(
            self._server,
            tls=self._tls,
            hello_name=self._sender.mailbox.domain,
            operation_seconds=self._operation_seconds,
            deadline=deadline,
        )
