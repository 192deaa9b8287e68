"""What is said on a connection: aiosmtpd speaks the protocol, the script may interrupt at any phase."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import assert_never

import structlog
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, syntax

from dev_inbox.extensions import Extension
from dev_inbox.hooks import Hooks
from dev_inbox.line import Line
from dev_inbox.reception import Reception
from dev_inbox.script import Action, Phase, Rule

log = structlog.get_logger(__name__)

Command = Callable[[str], Awaitable[None]]

_TOO_MANY = Rule(phase=Phase.CONNECT, reply="421 4.7.0 Too many connections", action=Action.CLOSE)


class Conversation(Line):
    """One SMTP connection, spoken on.

    Attributes:
        withheld: the extensions the last EHLO did not offer because of a rule.
    """

    def __init__(
        self,
        reception: Reception,
        live: set[Line],
        loop: asyncio.AbstractEventLoop,
        *,
        implicit_tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(Hooks(self), reception, live, loop)
        self.withheld: frozenset[Extension] = frozenset()
        self._implicit_tls = implicit_tls
        # Not by the library's argument, which warns of a login in clear: that is for the client to avoid here.
        self._auth_required = reception.terms.login is not None
        self._auth_require_tls = False
        self._authenticator = self._check_login
        self._smtp_methods = {
            name: self._recorded(name, command) for name, command in self._smtp_methods.items()
        }

    @property
    def offered(self) -> list[Extension]:
        """What EHLO offers now."""
        missing = set(self.withheld)
        if self.reception.terms.tls is None or self.connection.tls is not None:
            missing.add(Extension.STARTTLS)
        if self.reception.terms.login is None:
            missing.add(Extension.AUTH)
        return [extension for extension in Extension if extension not in missing]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets nothing be read before TLS is on where TLS comes first."""
        super().connection_made(transport)
        self.read(wanted=self._implicit_tls is None)

    def keep(self, sender: str, recipients: Iterable[str], raw: bytes) -> str:
        """Stores a message of this connection and returns its id."""
        message = self.reception.mailbox.keep(sender=sender, recipients=tuple(recipients), raw=raw)
        self.connection.messages += 1
        log.info("message_kept", message_id=message.id, recipients=len(message.recipients), size=len(raw))
        return message.id

    def take(self, phase: Phase, recipients: Iterable[str] = ()) -> Rule | None:
        """Returns the rule for this moment, if any."""
        return self.reception.script.take(phase, recipients, messages=self.connection.messages)

    async def play(self, phase: Phase, recipients: Iterable[str] = ()) -> str | None:
        """Plays the rule for this moment, if any, and returns the reply that replaces the usual one, if any."""
        return await self.perform(self.take(phase, recipients))

    async def perform(self, rule: Rule | None) -> str | None:
        """Waits, replies or cuts the line as the rule says.

        Raises:
            asyncio.CancelledError: the connection is over; this is how the library ends a session, too.
        """
        if rule is None:
            return None
        log.info("rule_played", phase=rule.phase)
        if rule.delay_seconds > 0:
            await asyncio.sleep(rule.delay_seconds)
        self._byte_seconds = rule.byte_seconds
        match rule.action:
            case None:
                return rule.reply
            case Action.CLOSE:
                if rule.reply is not None:
                    await self.push(rule.reply)
                self._writer.close()
            case Action.RESET:
                self.reset()
            case _:
                assert_never(rule.action)
        raise asyncio.CancelledError

    async def _handle_client(self) -> None:
        try:
            if self._implicit_tls is not None:
                await self.secure(self._implicit_tls)
            if self.connection.turned_away:
                await self.perform(_TOO_MANY)
            self._banner = await self.play(Phase.CONNECT)
        except asyncio.CancelledError:
            self._writer.close()
            raise
        await super()._handle_client()

    @syntax("STARTTLS")
    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 - the library finds commands by name
        """Begins TLS behind the 220, and behind whatever the script adds to it."""
        context = self.reception.terms.tls
        if context is None or Extension.STARTTLS not in self.offered:
            await self.push("502 5.5.1 STARTTLS is not to be had")
            return
        if arg:
            await self.push("501 5.5.4 STARTTLS has no argument")
            return
        reply = await self.play(Phase.STARTTLS) or "220 2.0.0 Ready to start TLS"
        # What follows the reply belongs to the TLS layer, which is not there yet while the reply is written.
        self.read(wanted=False)
        await self.push(reply)
        if reply.startswith("220"):
            await self.secure(context)
        else:
            self.read(wanted=True)

    @syntax("AUTH <mechanism>")
    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802
        """Counts the try; the library reads the login."""
        connections, connection = self.reception.connections, self.connection
        connections.try_login(connection)
        if Extension.AUTH in self.offered:
            mechanism, space, rest = (arg or "").partition(" ")
            await super().smtp_AUTH(f"{mechanism.upper()}{space}{rest}")
        else:
            await self.push("502 5.5.1 AUTH is not to be had")
        connections.end_login(connection, accepted=bool(self.session and self.session.authenticated))

    async def auth_PLAIN(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        """Lets the script have the last word on a login."""
        return await self._judge(await super().auth_PLAIN(server, args))

    async def auth_LOGIN(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        """Lets the script have the last word on a login."""
        return await self._judge(await super().auth_LOGIN(server, args))

    def _check_login(
        self, _server: SMTP, _session: object, _envelope: object, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        login = self.reception.terms.login
        accepted = login is not None and login.matches(given.login, given.password)
        return AuthResult(success=accepted, handled=False)

    async def _judge(self, result: AuthResult) -> AuthResult:
        answered = result.handled and not result.success
        reply = None if answered else await self.play(Phase.AUTH)
        return result if reply is None else AuthResult(success=reply[0] == "2", handled=False, message=reply)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Lets the script answer in place of 354 where DATA is in order."""
        if self.envelope is not None and self.envelope.rcpt_tos and not arg:
            reply = await self.play(Phase.DATA, self.envelope.rcpt_tos)
            if reply is not None:
                await self.push(reply)
                return
        await super().smtp_DATA(arg)

    def _recorded(self, name: str, command: Command) -> Command:
        @wraps(command)
        async def recorded(arg: str) -> None:
            self.connection.hear(name, more_waiting=bool(self.unread))
            await command(arg)

        return recorded
