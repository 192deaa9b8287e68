"""What is said on a connection: the commands of RFC 5321 in the order they come; the script may step in at each phase."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import assert_never

import structlog

from dev_inbox.script import MESSAGE_BYTES_AT_MOST, Action, Extension, Phase, Rule
from dev_inbox.state import Connection, ServerState
from dev_inbox.stream import Disconnected, Stream

log = structlog.get_logger(__name__)

HOSTNAME = "inbox.localhost"
_COMMAND_BYTES_AT_MOST = 2048
_TOO_MANY = Rule(phase=Phase.CONNECT, reply="421 4.7.0 Too many connections", action=Action.CLOSE)
_PATH = re.compile(r"\s*<([^<>\s]*)>\s*|\s*([^<>\s]+)\s*")
_OPTIONS = {Extension.SIZE: "SIZE=", Extension.EIGHT_BIT: "BODY=", Extension.SMTPUTF8: "SMTPUTF8"}
"""How an option of MAIL begins that belongs to an extension."""


class Session:
    """One connection's dialogue. Mail is taken only as the policy and the script allow."""

    def __init__(self, state: ServerState, connection: Connection, stream: Stream) -> None:
        self._state = state
        self._connection = connection
        self._stream = stream
        self._byte_seconds = 0.0
        self._withheld: frozenset[Extension] = frozenset()
        self._commands: dict[str, Callable[[str], Awaitable[str | None]]] = {
            "HELO": self._helo,
            "EHLO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "VRFY": self._vrfy,
            "HELP": self._help,
            "QUIT": self._quit,
        }
        self._begin()

    def _begin(self) -> None:
        """As if the client had just connected; TLS begins so, too (RFC 3207 4.2)."""
        self._greeted = self._extended = self._authenticated = False
        self._clear()

    def _clear(self) -> None:
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def serve(self) -> None:
        """Speaks until either side ends it; raises Disconnected or TimeoutError."""
        if self._connection.turned_away:
            await self._perform(_TOO_MANY)
        await self._reply(await self._play(Phase.CONNECT) or f"220 {HOSTNAME} ESMTP development inbox")
        while True:
            try:
                line = await self._stream.line(at_most=_COMMAND_BYTES_AT_MOST)
                said = line.decode()
            except ValueError:  # too long, or not UTF-8
                await self._reply("500 5.5.2 Command too long or not in UTF-8")
                continue
            name, _, argument = said.strip().partition(" ")
            command = self._commands.get(name.upper())
            if command is None:
                await self._reply("500 5.5.2 Unknown command")
                continue
            self._connection.hear(name.upper(), more_waiting=bool(self._stream.unread))
            try:
                reply = await command(argument.strip())
            except (Disconnected, TimeoutError):
                raise
            except Exception as error:  # noqa: BLE001 - a script's author should see that it was the inbox
                # Neither the error's words nor its traceback: both may hold an address.
                log.error("session_failed", error=type(error).__name__)  # noqa: TRY400
                reply = "451 4.3.0 The development inbox failed"
            if reply is not None:
                await self._reply(reply)

    # Greetings

    async def _helo(self, argument: str) -> str:
        if not argument:
            return "501 5.5.4 HELO needs a name"
        reply = await self._play(Phase.EHLO)
        self._greet(reply, extended=False)
        return reply or f"250 {HOSTNAME}"

    async def _ehlo(self, argument: str) -> str:
        if not argument:
            return "501 5.5.4 EHLO needs a name"
        rule = self._take(Phase.EHLO)
        reply = await self._perform(rule)
        self._withheld = frozenset() if rule is None else rule.without
        self._greet(reply, extended=True)
        words = [HOSTNAME, *(extension.line for extension in self._offered), "HELP"]
        return reply or "\n".join([*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"])

    def _greet(self, reply: str | None, *, extended: bool) -> None:
        self._clear()
        if _accepted(reply):
            self._greeted, self._extended = True, extended

    @property
    def _offered(self) -> list[Extension]:
        missing = set(self._withheld)
        if self._state.policy.tls is None or self._connection.tls is not None:
            missing.add(Extension.STARTTLS)
        if self._state.policy.login is None:
            missing.add(Extension.AUTH)
        return [extension for extension in Extension if extension not in missing]

    async def _starttls(self, argument: str) -> str | None:
        context = self._state.policy.tls
        if context is None or Extension.STARTTLS not in self._offered:
            return "502 5.5.1 STARTTLS is not to be had"
        if argument:
            return "501 5.5.4 STARTTLS has no argument"
        reply = await self._play(Phase.STARTTLS) or "220 2.0.0 Ready to start TLS"
        if not reply.startswith("220"):
            return reply
        # What follows the reply belongs to the TLS layer, which is not there yet while the reply is written.
        self._stream.pause()
        await self._reply(reply)
        await self._stream.start_tls(context)
        self._connection.tls = self._stream.tls
        self._begin()
        return None

    # The login (RFC 4954)

    async def _auth(self, argument: str) -> str:
        connections, connection = self._state.connections, self._connection
        connections.try_login(connection)
        reply = await self._log_in(argument)
        self._authenticated = self._authenticated or reply.startswith("235")
        connections.end_login(connection, accepted=self._authenticated)
        return reply

    async def _log_in(self, argument: str) -> str:
        login = self._state.policy.login
        if login is None or Extension.AUTH not in self._offered:
            return "502 5.5.1 AUTH is not to be had"
        if not self._extended or self._authenticated:
            return "503 5.5.1 AUTH comes once, after EHLO"
        mechanism, _, initial = argument.partition(" ")
        try:
            match mechanism.upper():
                case "PLAIN":
                    _, user, password = (await self._answer("", initial)).split(b"\0")
                case "LOGIN":
                    user = await self._answer("User Name\0", initial)
                    password = await self._answer("Password\0", "")
                case _:
                    return "504 5.5.4 PLAIN or LOGIN"
        except ValueError:
            return "501 5.5.2 The login is malformed or was broken off"
        usual = (
            "235 2.7.0 Authentication successful"
            if login.matches(user, password)
            else "535 5.7.8 Wrong login"
        )
        return await self._play(Phase.AUTH) or usual

    async def _answer(self, question: str, initial: str) -> bytes:
        """Returns the decoded answer to a challenge; raises ValueError, also for `*`."""
        given = initial.encode()
        if not given:
            await self._reply(f"334 {base64.b64encode(question.encode()).decode()}")
            given = await self._stream.line(at_most=_COMMAND_BYTES_AT_MOST)
        try:
            return b"" if given == b"=" else base64.b64decode(given, validate=True)
        except binascii.Error as error:
            raise ValueError("not Base64") from error

    # A transaction

    async def _mail(self, argument: str) -> str:
        refusal = self._refuse_mail()
        if refusal is not None:
            return refusal
        address, options = _path(argument, "FROM:")
        if address is None:
            return "501 5.5.4 MAIL FROM:<address> is what is understood"
        refusal = self._refuse_options(options) or self._refuse_address(address)
        if refusal is not None:
            return refusal
        reply = await self._play(Phase.MAIL)
        if reply is None and not self._state.rate.admit():
            self._state.connections.totals.throttled += 1
            reply = "450 4.7.1 Too many messages a second"
        if _accepted(reply):
            self._sender = address
        return reply or "250 2.1.0 Ok"

    def _refuse_mail(self) -> str | None:
        if not self._greeted:
            return "503 5.5.1 EHLO first"
        if self._state.policy.login is not None and not self._authenticated:
            return "530 5.7.0 Authentication required"
        return None if self._sender is None else "503 5.5.1 A transaction is open already"

    def _refuse_options(self, options: Iterable[str]) -> str | None:
        for option in map(str.upper, options):
            extension = next((each for each, begin in _OPTIONS.items() if option.startswith(begin)), None)
            if (extension is None and not option.startswith("AUTH=")) or extension in self._withheld:
                return "555 5.5.4 Option of an extension that was not offered"
            if extension is Extension.SIZE and not option.removeprefix("SIZE=").isdecimal():
                return "501 5.5.4 SIZE is a number of bytes"
            if extension is Extension.SIZE and int(option.removeprefix("SIZE=")) > MESSAGE_BYTES_AT_MOST:
                return "552 5.3.4 Message too large"
        return None

    def _refuse_address(self, address: str) -> str | None:
        if Extension.SMTPUTF8 in self._withheld and not address.isascii():
            return "553 5.6.7 Address needs SMTPUTF8, which was not offered"
        return None

    async def _rcpt(self, argument: str) -> str:
        if self._sender is None:
            return "503 5.5.1 MAIL first"
        address, options = _path(argument, "TO:")
        if not address or options:
            return "501 5.5.4 RCPT TO:<address> is what is understood"
        refusal = self._refuse_address(address)
        if refusal is not None:
            return refusal
        reply = await self._play(Phase.RCPT, [address])
        if _accepted(reply):
            self._recipients.append(address)
        return reply or "250 2.1.5 Ok"

    async def _data(self, argument: str) -> str:
        if not self._recipients:
            return "503 5.5.1 RCPT first"
        if argument:
            return "501 5.5.4 DATA has no argument"
        reply = await self._play(Phase.DATA, self._recipients)
        if reply is not None:
            return reply
        await self._reply("354 End data with <CR><LF>.<CR><LF>")
        content = await self._stream.content(at_most=MESSAGE_BYTES_AT_MOST)
        sender, recipients = self._sender or "", tuple(self._recipients)
        self._clear()
        return await self._take_message(sender, recipients, content)

    async def _take_message(self, sender: str, recipients: tuple[str, ...], content: bytes | None) -> str:
        if content is None:
            return "552 5.3.4 Message too large"
        if Extension.EIGHT_BIT in self._withheld and not content.isascii():
            return "554 5.6.3 Message needs 8BITMIME, which was not offered"
        rule = self._take(Phase.DOT, recipients)
        usual = "250 2.0.0 Ok"
        if rule is None or rule.stores:
            message = self._state.mailbox.keep(sender=sender, recipients=recipients, raw=content)
            self._connection.messages += 1
            log.info("message_kept", message_id=message.id, recipients=len(recipients), size=len(content))
            usual = f"250 2.0.0 Ok: kept as {message.id}"
        return await self._perform(rule) or usual

    # The rest

    async def _rset(self, _argument: str) -> str:
        self._clear()
        return "250 2.0.0 Ok"

    async def _noop(self, _argument: str) -> str:
        return "250 2.0.0 Ok"

    async def _vrfy(self, _argument: str) -> str:
        return "252 2.1.5 Send some mail and see"

    async def _help(self, _argument: str) -> str:
        return f"214 2.0.0 {' '.join(self._commands)}"

    async def _quit(self, _argument: str) -> None:
        await self._reply("221 2.0.0 Bye")
        raise Disconnected

    # The script

    def _take(self, phase: Phase, recipients: Iterable[str] = ()) -> Rule | None:
        return self._state.script.take(phase, recipients, messages=self._connection.messages)

    async def _play(self, phase: Phase, recipients: Iterable[str] = ()) -> str | None:
        """Plays the rule for this moment, if any, and returns the reply that replaces the usual one, if any."""
        return await self._perform(self._take(phase, recipients))

    async def _perform(self, rule: Rule | None) -> str | None:
        """Waits, replies or cuts the line as the rule says; raises Disconnected."""
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
                    await self._reply(rule.reply)
            case Action.RESET:
                self._stream.reset()
            case _:
                assert_never(rule.action)
        raise Disconnected

    async def _reply(self, reply: str) -> None:
        byte_seconds, self._byte_seconds = self._byte_seconds, 0.0
        await self._stream.send(reply, byte_seconds=byte_seconds)


def _accepted(reply: str | None) -> bool:
    return reply is None or reply.startswith("2")


def _path(argument: str, begin: str) -> tuple[str | None, list[str]]:
    """Returns the address and the options of MAIL or RCPT; None where there is no address."""
    if not argument.upper().startswith(begin):
        return None, []
    path, _, options = argument[len(begin) :].strip().partition(" ")
    found = _PATH.fullmatch(path)
    return (None if found is None else found[1] or found[2] or ""), options.split()
