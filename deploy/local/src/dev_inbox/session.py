"""What is said on a connection: the commands of RFC 5321 in the order they come; the script may step in at each phase."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable

import structlog

from dev_inbox.dialogue import Dialogue, accepted
from dev_inbox.script import Action, Extension, Phase, Rule
from dev_inbox.state import Connection, ServerState
from dev_inbox.stream import Disconnected, Stream
from dev_inbox.transaction import Transaction

log = structlog.get_logger(__name__)

HOSTNAME = "inbox.localhost"
_COMMAND_BYTES_AT_MOST = 2048
_TOO_MANY = Rule(phase=Phase.CONNECT, reply="421 4.7.0 Too many connections", action=Action.CLOSE)


class Session(Dialogue):
    """One connection's dialogue. Mail is taken only as the policy and the script allow."""

    def __init__(self, state: ServerState, connection: Connection, stream: Stream) -> None:
        super().__init__(state, connection, stream)
        self._transaction = Transaction(self)
        self._commands: dict[str, Callable[[str], Awaitable[str | None]]] = {
            "HELO": self._helo,
            "EHLO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._transaction.rcpt,
            "DATA": self._transaction.data,
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
        self._transaction.clear()

    async def serve(self) -> None:
        """Speaks until either side ends it; raises Disconnected or TimeoutError."""
        if self.connection.turned_away:
            await self.perform(_TOO_MANY)
        await self.reply(await self.play(Phase.CONNECT) or f"220 {HOSTNAME} ESMTP development inbox")
        while True:
            try:
                line = await self.stream.line(at_most=_COMMAND_BYTES_AT_MOST)
                said = line.decode()
            except ValueError:  # too long, or not UTF-8
                await self.reply("500 5.5.2 Command too long or not in UTF-8")
                continue
            name, _, argument = said.strip().partition(" ")
            command = self._commands.get(name.upper())
            if command is None:
                await self.reply("500 5.5.2 Unknown command")
                continue
            self.connection.hear(name.upper(), more_waiting=bool(self.stream.unread))
            try:
                reply = await command(argument.strip())
            except (Disconnected, TimeoutError):
                raise
            except Exception as error:  # noqa: BLE001 - a script's author should see that it was the inbox
                # Neither the error's words nor its traceback: both may hold an address.
                log.error("session_failed", error=type(error).__name__)  # noqa: TRY400
                reply = "451 4.3.0 The development inbox failed"
            if reply is not None:
                await self.reply(reply)

    # Greetings

    async def _helo(self, argument: str) -> str:
        if not argument:
            return "501 5.5.4 HELO needs a name"
        reply = await self.play(Phase.EHLO)
        self._greet(reply, extended=False)
        return reply or f"250 {HOSTNAME}"

    async def _ehlo(self, argument: str) -> str:
        if not argument:
            return "501 5.5.4 EHLO needs a name"
        rule = self.take(Phase.EHLO)
        reply = await self.perform(rule)
        self.withheld = frozenset() if rule is None else rule.without
        self._greet(reply, extended=True)
        words = [HOSTNAME, *(extension.line for extension in self._offered), "HELP"]
        return reply or "\n".join([*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"])

    def _greet(self, reply: str | None, *, extended: bool) -> None:
        self._transaction.clear()
        if accepted(reply):
            self._greeted, self._extended = True, extended

    @property
    def _offered(self) -> list[Extension]:
        missing = set(self.withheld)
        if self.state.policy.tls is None or self.connection.tls is not None:
            missing.add(Extension.STARTTLS)
        if self.state.policy.login is None:
            missing.add(Extension.AUTH)
        return [extension for extension in Extension if extension not in missing]

    async def _starttls(self, argument: str) -> str | None:
        context = self.state.policy.tls
        if context is None or Extension.STARTTLS not in self._offered:
            return "502 5.5.1 STARTTLS is not to be had"
        if argument:
            return "501 5.5.4 STARTTLS has no argument"
        reply = await self.play(Phase.STARTTLS) or "220 2.0.0 Ready to start TLS"
        if not reply.startswith("220"):
            return reply
        # What follows the reply belongs to the TLS layer, which is not there yet while the reply is written.
        self.stream.pause()
        await self.reply(reply)
        await self.stream.start_tls(context)
        self.connection.tls = self.stream.tls
        self._begin()
        return None

    async def _mail(self, argument: str) -> str:
        if not self._greeted:
            return "503 5.5.1 EHLO first"
        if self.state.policy.login is not None and not self._authenticated:
            return "530 5.7.0 Authentication required"
        return await self._transaction.mail(argument)

    # The login (RFC 4954)

    async def _auth(self, argument: str) -> str:
        connections, connection = self.state.connections, self.connection
        connections.try_login(connection)
        reply = await self._log_in(argument)
        self._authenticated = self._authenticated or reply.startswith("235")
        connections.end_login(connection, accepted=self._authenticated)
        return reply

    async def _log_in(self, argument: str) -> str:
        login = self.state.policy.login
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
        return await self.play(Phase.AUTH) or usual

    async def _answer(self, question: str, initial: str) -> bytes:
        """Returns the decoded answer to a challenge; raises ValueError, also for `*`."""
        given = initial.encode()
        if not given:
            await self.reply(f"334 {base64.b64encode(question.encode()).decode()}")
            given = await self.stream.line(at_most=_COMMAND_BYTES_AT_MOST)
        try:
            return b"" if given == b"=" else base64.b64decode(given, validate=True)
        except binascii.Error as error:
            raise ValueError("not Base64") from error

    # The rest

    async def _rset(self, _argument: str) -> str:
        self._transaction.clear()
        return "250 2.0.0 Ok"

    async def _noop(self, _argument: str) -> str:
        return "250 2.0.0 Ok"

    async def _vrfy(self, _argument: str) -> str:
        return "252 2.1.5 Send some mail and see"

    async def _help(self, _argument: str) -> str:
        return f"214 2.0.0 {' '.join(self._commands)}"

    async def _quit(self, _argument: str) -> None:
        await self.reply("221 2.0.0 Bye")
        raise Disconnected
