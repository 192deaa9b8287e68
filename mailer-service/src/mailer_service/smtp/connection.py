"""One connection to one server: opened once, used for many letters, honest about how far each came."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, Self

from mailer_service.delivery.attempt import Phase
from mailer_service.letters.compose import Message
from mailer_service.smtp.commands import SEND_THE_MESSAGE, Command, Extensions, commands, login_lines
from mailer_service.smtp.reply import ConversationFailed, Reply, Silence
from mailer_service.smtp.server import Security, SmtpServer
from mailer_service.smtp.wire import Garbage, Wire, silence_of

_SERVICE_READY = 220
_GOOD_BYE = 221
_AUTHENTICATED = 235
_GO_ON = 334
_CLOSING = 421
_NOT_KNOWN = frozenset({500, 501, 502, 504})
_FAREWELL_SECONDS = 0.2
_LOOK_UP_SECONDS = 1.0
"""How often whoever waits for the reply to a dot looks whether it should go on waiting."""


class Connection:
    """A kept-alive SMTP session, used by one thread at a time. Every method takes a deadline in monotonic seconds.

    Attributes:
        opened_at, used_at: monotonic seconds.
        letters: how many it has carried.
        usable: False once it must not be used again.
    """

    def __init__(self, wire: Wire, *, hello_name: str) -> None:
        self.opened_at = self.used_at = time.monotonic()
        self.letters = 0
        self.usable = True
        self._wire = wire
        self._hello_name = hello_name
        self._offered = Extensions()

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
        try:
            wire = Wire.dial(server.host, server.port, operation_seconds=operation_seconds, deadline=deadline)
        except (OSError, UnicodeError) as error:
            raise ConversationFailed(Phase.CONNECT, silence_of(error)) from error
        connection = cls(wire, hello_name=hello_name)
        try:
            connection._greet(server, tls, deadline)
        except BaseException:
            connection.close()
            raise
        return connection

    def transmit(
        self,
        message: Message,
        *,
        deadline: float,
        dot_seconds: float | None = None,
        keep: Callable[[], bool] = lambda: True,
    ) -> Reply:
        """Hands over one letter and returns the reply to its final dot; raises ConversationFailed.

        The dot does not leave after the deadline. Its reply may take `dot_seconds` then, or as long as any other; meanwhile
        `keep` is called about once a second, and its False ends the waiting.
        """
        self.used_at = time.monotonic()
        begin = commands(message, self._offered)
        try:
            self._begin(begin, deadline)
            # Nothing is said behind the dot before its reply: a lost line would leave two letters in doubt.
            self._say(Phase.DATA, message.octets.replace(b"\r\n.", b"\r\n..") + b".\r\n", deadline)
            reply = self._hear_of_the_dot(deadline, dot_seconds, keep)
        except ConversationFailed:
            raise
        except BaseException:
            self._drop()  # who knows what the server waits for now
            raise
        self.letters += 1
        self.used_at = time.monotonic()
        return reply

    def looks_alive(self) -> bool:
        """Tells, without asking the server, whether it has neither closed nor said anything unasked, such as 421."""
        return self.usable and not self._wire.has_news()

    def answers(self, *, deadline: float) -> bool:
        """Asks the server whether it is still there."""
        try:
            self._ask(Phase.MAIL, b"NOOP", deadline)
        except ConversationFailed:
            return False
        return True

    def close(self) -> None:
        """Ends the session without waiting for the server's farewell."""
        if self.usable:
            with suppress(OSError):
                self._wire.send(b"QUIT\r\n", deadline=time.monotonic() + _FAREWELL_SECONDS)
        self._drop()

    def _greet(self, server: SmtpServer, tls: ssl.SSLContext, deadline: float) -> None:
        if server.security is Security.TLS:
            self._secure(server.host, tls, deadline)
        self._hear(Phase.CONNECT, deadline, expected=_SERVICE_READY)
        self._hello(deadline)
        if server.security is Security.STARTTLS:
            self._start_tls(server.host, tls, deadline)
        if server.username is not None and server.password is not None:
            self._log_in(server.username, server.password, deadline)

    def _hello(self, deadline: float) -> None:
        name = self._hello_name.encode("ascii")
        self._say(Phase.EHLO, b"EHLO " + name + b"\r\n", deadline)
        code, words = self._read(Phase.EHLO, deadline)
        if code in _NOT_KNOWN:
            self._offered = Extensions()
            self._ask(Phase.EHLO, b"HELO " + name, deadline)
        else:
            self._judge(Phase.EHLO, Reply.read(code, words), expected=None)
            self._offered = Extensions.read(words.decode("ascii", errors="replace"))

    def _start_tls(self, host: str, tls: ssl.SSLContext, deadline: float) -> None:
        if not self._offered.starttls:
            raise ConversationFailed(Phase.TLS, Silence.TLS_NOT_OFFERED)
        self._ask(Phase.TLS, b"STARTTLS", deadline, expected=_SERVICE_READY)
        if self._wire.has_news():
            # Text behind the 220 may be an attacker's, meant to be read as if it had come encrypted.
            self._fail(Phase.TLS, Silence.INJECTED)
        self._secure(host, tls, deadline)
        self._hello(deadline)

    def _secure(self, host: str, tls: ssl.SSLContext, deadline: float) -> None:
        try:
            self._wire.secure(tls, host, deadline=deadline)
        except ssl.SSLError as error:
            self._fail(Phase.TLS, Silence.TLS_FAILED, error)
        except (OSError, ValueError) as error:
            self._fail(Phase.TLS, silence_of(error), error)

    def _log_in(self, username: str, password: str, deadline: float) -> None:
        *first, last = login_lines(self._offered.auth, username=username, password=password) or (None,)
        if last is None:
            raise ConversationFailed(Phase.AUTH, Silence.AUTH_NOT_OFFERED)
        for line in first:
            self._ask(Phase.AUTH, line, deadline, expected=_GO_ON)
        self._ask(Phase.AUTH, last, deadline, expected=_AUTHENTICATED)

    def _begin(self, begin: tuple[Command, ...], deadline: float) -> None:
        try:
            if self._offered.pipelining:
                self._ask_at_once(begin, deadline)
            else:
                for command in begin:
                    self._ask(command.phase, command.line, deadline, expected=command.expected)
        except ConversationFailed:
            if self.usable:
                self._reset(deadline)
            raise

    def _ask_at_once(self, begin: tuple[Command, ...], deadline: float) -> None:
        """Says all commands in one go (RFC 2920) and hears every reply; raises the first refusal."""
        self._say(Phase.MAIL, b"".join(command.line + b"\r\n" for command in begin), deadline)
        refusal: ConversationFailed | None = None
        for command in begin:
            try:
                self._hear(command.phase, deadline, expected=command.expected)
            except ConversationFailed as failure:
                refusal = refusal or failure
                if not self.usable:
                    break
            else:
                if refusal is not None and command.expected == SEND_THE_MESSAGE:
                    # It waits for a letter to nobody. There is no way out of DATA but the dot or the line's end.
                    self._drop()
        if refusal is not None:
            raise refusal

    def _ask(self, phase: Phase, line: bytes, deadline: float, *, expected: int | None = None) -> Reply:
        self._say(phase, line + b"\r\n", deadline)
        return self._hear(phase, deadline, expected=expected)

    def _say(self, phase: Phase, octets: bytes, deadline: float) -> None:
        if self._wire.has_news():
            # An answer too many would be taken for the next command's, and so, in the end, one for the final dot.
            code, words = self._read(phase, deadline)
            self._fail(phase, Reply.read(code, words) if code == _CLOSING else Silence.GARBAGE)
        try:
            self._wire.send(octets, deadline=deadline)
        except OSError as error:
            self._fail(phase, silence_of(error), error)

    def _hear(self, phase: Phase, deadline: float, *, expected: int | None = None) -> Reply:
        code, words = self._read(phase, deadline)
        return self._judge(phase, Reply.read(code, words), expected=expected)

    def _hear_of_the_dot(self, deadline: float, seconds: float | None, keep: Callable[[], bool]) -> Reply:
        if seconds is not None:
            deadline = time.monotonic() + seconds
            while not self._wire.wait_for_news(min(_LOOK_UP_SECONDS, max(0.0, deadline - time.monotonic()))):
                if (late := time.monotonic() >= deadline) or not keep():
                    self._fail(Phase.DOT, Silence.TIMEOUT if late else Silence.STOPPED)
        return self._hear(Phase.DOT, deadline)

    def _read(self, phase: Phase, deadline: float) -> tuple[int, bytes]:
        try:
            return self._wire.read_reply(deadline=deadline, banner=phase is Phase.CONNECT)
        except (OSError, EOFError, Garbage) as error:
            self._fail(phase, silence_of(error), error)

    def _judge(self, phase: Phase, reply: Reply, *, expected: int | None) -> Reply:
        if reply.code == expected or (expected is None and reply.positive and reply.code != _GOOD_BYE):
            return reply
        if reply.closing or reply.code < 400:
            # It is going, or answers something else than what it was asked.
            self._drop()
        raise ConversationFailed(phase, reply)

    def _reset(self, deadline: float) -> None:
        """Ends the failed transaction, so that the session can carry another letter."""
        try:
            self._ask(Phase.MAIL, b"RSET", deadline)
        except ConversationFailed:
            self._drop()

    def _fail(self, phase: Phase, cause: Reply | Silence, error: Exception | None = None) -> NoReturn:
        self._drop()
        raise ConversationFailed(phase, cause) from error

    def _drop(self) -> None:
        self.usable = False
        self._wire.close()
