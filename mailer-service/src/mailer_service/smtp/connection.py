"""One connection to one server: opened once, used for many letters, honest about how far each came."""

from __future__ import annotations

import io
import select
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from mailer_service.delivery.transport import Phase
from mailer_service.smtp.message import Message
from mailer_service.smtp.reading import BoundedReader
from mailer_service.smtp.reply import ConversationFailed, Reply, Silence
from mailer_service.smtp.server import Security, SmtpServer

_SERVICE_READY = 220
_SEND_THE_MESSAGE = 354
_CLOSING = 421
_AUTHENTICATED = 235


class Connection:
    """A kept-alive SMTP session, used by one thread at a time. Every method takes a deadline in monotonic seconds.

    Attributes:
        opened_at, used_at: monotonic seconds.
        letters: how many it has carried.
        usable: False once it must not be used again.
    """

    def __init__(self, sock: socket.socket, *, hello_name: str, operation_seconds: float) -> None:
        self.opened_at = self.used_at = time.monotonic()
        self.letters = 0
        self.usable = True
        self._operation_seconds = operation_seconds
        self._smtp = smtplib.SMTP(local_hostname=hello_name)
        self._phase = Phase.CONNECT
        self._listen_on(sock)

    @classmethod
    def open(
        cls,
        server: SmtpServer,
        *,
        tls: ssl.SSLContext,
        hello_name: str,
        operation_seconds: float,
        deadline: float,
    ) -> Self:
        """Connects, secures and authenticates as the server's URL demands; raises ConversationFailed."""
        with _translated(Phase.CONNECT):
            patience = min(operation_seconds, max(0.001, deadline - time.monotonic()))
            sock = socket.create_connection((server.host, server.port), timeout=patience)
        connection = None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if server.security is Security.TLS:
                with _translated(Phase.TLS):
                    sock = tls.wrap_socket(sock, server_hostname=server.host)
            connection = cls(sock, hello_name=hello_name, operation_seconds=operation_seconds)
            connection._greet(server, tls, deadline)
        except BaseException:
            if connection is None:
                sock.close()
            else:
                connection.close()
            raise
        return connection

    def transmit(self, message: Message, *, deadline: float) -> Reply:
        """Hands over one letter and returns the reply to its final dot; raises ConversationFailed."""
        self.used_at = time.monotonic()
        extension = ""
        if message.recipient.needs_smtputf8:
            if not self._smtp.has_extn("smtputf8"):
                raise ConversationFailed(Phase.MAIL, Silence.SMTPUTF8_NOT_OFFERED)
            extension = " SMTPUTF8"
            self._smtp.command_encoding = "utf-8"
        try:
            self._command(Phase.MAIL, f"MAIL FROM:<{message.sender}>{extension}", deadline)
            self._command(Phase.RCPT, f"RCPT TO:<{message.recipient}>", deadline)
            self._command(Phase.DATA, "DATA", deadline, expected=_SEND_THE_MESSAGE)
        except ConversationFailed:
            self._reset(deadline)
            raise
        reply = self._send_octets(message.octets, deadline)
        self.letters += 1
        self.used_at = time.monotonic()
        return reply

    def looks_alive(self) -> bool:
        """Tells, without asking the server, whether it has neither closed nor said anything unasked, such as 421."""
        if self._smtp.sock is None:
            return False
        poll = select.poll()
        poll.register(self._smtp.sock, select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def answers(self, *, deadline: float) -> bool:
        """Asks the server whether it is still there."""
        try:
            self._command(Phase.MAIL, "NOOP", deadline)
        except ConversationFailed:
            return False
        return True

    def close(self) -> None:
        """Ends the session without waiting for the server's farewell."""
        self.usable = False
        with suppress(OSError, smtplib.SMTPException):
            if self._smtp.sock is not None:
                self._smtp.sock.settimeout(0.2)
                self._smtp.putcmd("quit")
        self._smtp.close()

    def _greet(self, server: SmtpServer, tls: ssl.SSLContext, deadline: float) -> None:
        self._read(Phase.CONNECT, deadline, expected=_SERVICE_READY)
        self._hello(deadline)
        if server.security is Security.STARTTLS:
            self._start_tls(server.host, tls, deadline)
        if server.username is not None and server.password is not None:
            self._log_in(server.username, server.password, deadline)

    def _hello(self, deadline: float) -> None:
        with self._speaking(Phase.EHLO, deadline):
            self._smtp.ehlo_or_helo_if_needed()

    def _start_tls(self, host: str, tls: ssl.SSLContext, deadline: float) -> None:
        if not self._smtp.has_extn("starttls"):
            raise ConversationFailed(Phase.TLS, Silence.TLS_NOT_OFFERED)
        self._command(Phase.TLS, "STARTTLS", deadline, expected=_SERVICE_READY)
        with self._speaking(Phase.TLS, deadline):
            # Text behind the 220 could be an attacker's, meant to be read as if it had come encrypted.
            self._refuse_what_was_not_asked_for()
            assert self._smtp.sock is not None  # noqa: S101 - for the type checker; a reply was just read from it
            secured = tls.wrap_socket(self._smtp.sock, server_hostname=host)
        self._listen_on(secured)
        self._smtp.ehlo_resp = self._smtp.helo_resp = None
        self._hello(deadline)

    def _log_in(self, username: str, password: str, deadline: float) -> None:
        if not self._smtp.has_extn("auth"):
            raise ConversationFailed(Phase.AUTH, Silence.AUTH_NOT_OFFERED)
        with self._speaking(Phase.AUTH, deadline):
            self._smtp.login(username, password)

    def _refuse_what_was_not_asked_for(self) -> None:
        """An answer too many would be taken for the next command's, and so, in the end, one for the final dot."""
        with self._reader.held():
            if self._buffered.peek(1):
                raise smtplib.SMTPException("the server spoke out of turn")

    def _listen_on(self, sock: socket.socket) -> None:
        self._reader = BoundedReader(sock, operation_seconds=self._operation_seconds)
        self._smtp.sock = sock
        self._smtp.file = self._buffered = io.BufferedReader(self._reader)

    def _command(self, phase: Phase, command: str, deadline: float, *, expected: int | None = None) -> Reply:
        with self._speaking(phase, deadline):
            self._refuse_what_was_not_asked_for()
            self._smtp.putcmd(command)
        return self._read(phase, deadline, expected=expected)

    def _send_octets(self, octets: bytes, deadline: float) -> Reply:
        with self._speaking(Phase.DATA, deadline):
            self._smtp.send(octets.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return self._read(Phase.DOT, deadline)

    def _read(self, phase: Phase, deadline: float, *, expected: int | None = None) -> Reply:
        with self._speaking(phase, deadline):
            code, text = self._smtp.getreply()
        if not 200 <= code < 600:
            self.close()
            raise ConversationFailed(phase, Silence.GARBAGE)
        reply = Reply.read(code, text)
        if reply.code == _CLOSING:
            self.close()
        if reply.code == expected or (expected is None and reply.positive):
            return reply
        raise ConversationFailed(phase, reply)

    def _reset(self, deadline: float) -> None:
        """Ends the failed transaction, so that the session can carry another letter."""
        if self.usable:
            with suppress(ConversationFailed):
                self._command(Phase.MAIL, "RSET", deadline)

    @contextmanager
    def _speaking(self, phase: Phase, deadline: float) -> Iterator[None]:
        try:
            with _translated(phase):
                self._reader.expect(deadline=deadline)
                yield
        except ConversationFailed:
            self.close()
            raise


@contextmanager
def _translated(phase: Phase) -> Iterator[None]:
    """Every way a library can fail, in this package's words. Order matters: most of these are an OSError."""
    try:
        yield
    except ssl.SSLError as error:
        raise ConversationFailed(phase, Silence.TLS_FAILED) from error
    except socket.gaierror as error:
        raise ConversationFailed(phase, Silence.NAME_NOT_FOUND) from error
    except TimeoutError as error:
        raise ConversationFailed(phase, Silence.TIMEOUT) from error
    except ConnectionRefusedError as error:
        raise ConversationFailed(phase, Silence.REFUSED) from error
    except smtplib.SMTPResponseException as error:
        if type(error) is smtplib.SMTPResponseException:  # made up by smtplib for a line without end
            raise ConversationFailed(phase, Silence.GARBAGE) from error
        words = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
        raise ConversationFailed(phase, _reply_or_garbage(error.smtp_code, words)) from error
    except smtplib.SMTPServerDisconnected as error:
        timed_out = isinstance(error.__context__, TimeoutError)
        cause = Silence.TIMEOUT if timed_out else Silence.CONNECTION_LOST
        raise ConversationFailed(phase, cause) from error
    except smtplib.SMTPNotSupportedError as error:
        raise ConversationFailed(phase, Silence.AUTH_NOT_OFFERED) from error
    except (OSError, EOFError) as error:
        raise ConversationFailed(phase, Silence.CONNECTION_LOST) from error
    except (smtplib.SMTPException, ValueError) as error:
        raise ConversationFailed(phase, Silence.GARBAGE) from error


def _reply_or_garbage(code: int, words: bytes) -> Reply | Silence:
    return Reply.read(code, words) if 200 <= code < 600 else Silence.GARBAGE
