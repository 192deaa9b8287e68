"""The SMTP side: aiosmtpd speaks the protocol, the script may interrupt at any phase, the mailbox keeps the rest."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import defaultdict
from collections.abc import Iterable
from typing import AnyStr, assert_never

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from dev_inbox.connections import Connection
from dev_inbox.reception import Reception
from dev_inbox.script import Action, Phase, Rule

log = structlog.get_logger(__name__)

HOSTNAME = "inbox.localhost"
MESSAGE_BYTES_AT_MOST = 10 * 2**20
IDLE_SECONDS = 3600.0
"""Longer than the five minutes of RFC 5321 4.5.3.2.7, so that a scripted delay of five minutes is not cut short."""
_COMMAND_BYTES_AT_MOST = 2048
_NULL_SENDER = "<>"

# aiosmtpd logs every command line and, at debug level, every line of a message.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class Conversation(SMTP):
    """One SMTP connection, kept open as long as the client likes."""

    command_size_limit = _COMMAND_BYTES_AT_MOST

    def __init__(
        self, reception: Reception, live: set[Conversation], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            _Hooks(self),
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
        self._connection: Connection | None = None
        self._banner: str | None = None
        self._byte_seconds = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts counting."""
        self._connection = self.reception.connections.open()
        self._live.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Ends counting."""
        super().connection_lost(error)
        self._live.discard(self)
        if self._connection is not None:
            self.reception.connections.close(self._connection)

    def eof_received(self) -> bool:
        """Lets the transport close by itself.

        The library closes it in its session task, which never runs if the client leaves before the task's first step.
        """
        super().eof_received()
        return False

    def keep(self, sender: str, recipients: Iterable[str], raw: bytes) -> str:
        """Stores a message of this connection and returns its id."""
        message = self.reception.mailbox.keep(sender=sender, recipients=tuple(recipients), raw=raw)
        if self._connection is not None:
            self._connection.messages += 1
        log.info("message_kept", message_id=message.id, recipients=len(message.recipients), size=len(raw))
        return message.id

    async def play(self, phase: Phase, recipients: Iterable[str] = ()) -> str | None:
        """Plays the rule for this moment, if any, and returns the reply that replaces the usual one, if any."""
        rule = self.reception.script.take(phase, recipients)
        return None if rule is None else await self.perform(rule)

    async def perform(self, rule: Rule) -> str | None:
        """Waits, replies or cuts the line as the rule says.

        Raises:
            asyncio.CancelledError: the connection is over; this is how the library ends a session, too.
        """
        log.info("rule_played", phase=rule.phase)
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

    def hang_up(self) -> None:
        """Closes the connection as it is."""
        self._writer.transport.abort()

    def reset(self) -> None:
        """Cuts the line with a TCP reset."""
        # With a linger time of zero the kernel drops what is unsent and sends RST instead of FIN.
        peer: socket.socket = self._writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def push(self, status: AnyStr) -> None:
        """Sends a reply, slowly if a rule says so."""
        reply: str | bytes = status
        if self._banner is not None:
            reply, self._banner = self._banner, None
        if isinstance(reply, str):
            reply = "\r\n".join(reply.splitlines()).encode("utf-8", "surrogateescape")
        byte_seconds, self._byte_seconds = self._byte_seconds, 0.0
        if byte_seconds > 0:
            for number in range(len(reply)):
                self._writer.write(reply[number : number + 1])
                await asyncio.sleep(byte_seconds)
            reply = b""
        await super().push(reply)

    async def _handle_client(self) -> None:
        try:
            self._banner = await self.play(Phase.CONNECT)
        except asyncio.CancelledError:
            self._writer.close()
            raise
        await super()._handle_client()

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library finds commands by name
        """Lets the script answer in place of 354 where DATA is in order."""
        if self.envelope is not None and self.envelope.rcpt_tos and not arg:
            reply = await self.play(Phase.DATA, self.envelope.rcpt_tos)
            if reply is not None:
                await self.push(reply)
                return
        await super().smtp_DATA(arg)


class _Hooks:
    """The library's hooks; each plays its phase and then does what the hook is there for."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    async def handle_HELO(self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str) -> str:  # noqa: N802
        reply = await self._conversation.play(Phase.EHLO)
        if _accepted(reply):
            session.host_name = hostname
        return reply or f"250 {HOSTNAME}"

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        reply = await self._conversation.play(Phase.EHLO)
        if _accepted(reply):
            session.host_name = hostname
        return [reply] if reply is not None else [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._conversation.play(Phase.MAIL)
        if _accepted(reply):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._conversation.play(Phase.RCPT, [address])
        if _accepted(reply):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply or "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        conversation = self._conversation
        rule = conversation.reception.script.take(Phase.DOT, envelope.rcpt_tos)
        usual = "250 2.0.0 Ok"
        if rule is None or rule.stores:
            sender = "" if envelope.mail_from in {None, _NULL_SENDER} else str(envelope.mail_from)
            message_id = conversation.keep(sender, envelope.rcpt_tos, envelope.original_content or b"")
            usual = f"250 2.0.0 Ok: kept as {message_id}"
        reply = None if rule is None else await conversation.perform(rule)
        return reply or usual

    async def handle_exception(self, error: Exception) -> str:
        # The library would log the traceback and tell the client the text; both may hold an address.
        log.error("session_failed", error=type(error).__name__)
        return "451 4.3.0 The development inbox failed"


def _accepted(reply: str | None) -> bool:
    return reply is None or reply.startswith("2")


class Listener:
    """The listening socket and the conversations it started."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._live: set[Conversation] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Takes connections from the socket, which is its own from then on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Conversation(self._reception, self._live, loop), sock=listening
        )

    async def stop(self) -> None:
        """Stops listening and ends every conversation."""
        if self._server is None:
            return
        self._server.close()
        for conversation in tuple(self._live):
            conversation.hang_up()
        await self._server.wait_closed()
