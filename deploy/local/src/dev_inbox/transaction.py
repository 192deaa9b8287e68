"""One transaction after another on a connection: MAIL, RCPT, DATA (RFC 5321, section 3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import structlog

from dev_inbox.dialogue import Dialogue, accepted
from dev_inbox.script import MESSAGE_BYTES_AT_MOST, Extension, Phase

log = structlog.get_logger(__name__)

_PATH = re.compile(r"\s*<([^<>\s]*)>\s*|\s*([^<>\s]+)\s*")
_OPTIONS = {Extension.SIZE: "SIZE=", Extension.EIGHT_BIT: "BODY=", Extension.SMTPUTF8: "SMTPUTF8"}
"""How an option of MAIL begins that belongs to an extension."""


class Transaction:
    """What was said of the message to come; each command returns its reply."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self.clear()

    def clear(self) -> None:
        """Forgets it."""
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def mail(self, argument: str) -> str:
        """Begins: names the sender."""
        if self._sender is not None:
            return "503 5.5.1 A transaction is open already"
        address, options = _path(argument, "FROM:")
        if address is None:
            return "501 5.5.4 MAIL FROM:<address> is what is understood"
        refusal = self._refuse_options(options) or self._refuse_address(address)
        if refusal is not None:
            return refusal
        reply = await self._dialogue.play(Phase.MAIL)
        if reply is None and not self._dialogue.state.rate.admit():
            self._dialogue.state.connections.totals.throttled += 1
            reply = "450 4.7.1 Too many messages a second"
        if accepted(reply):
            self._sender = address
        return reply or "250 2.1.0 Ok"

    def _refuse_options(self, options: Iterable[str]) -> str | None:
        for option in map(str.upper, options):
            extension = next((each for each, begin in _OPTIONS.items() if option.startswith(begin)), None)
            if (extension is None and not option.startswith("AUTH=")) or extension in self._dialogue.withheld:
                return "555 5.5.4 Option of an extension that was not offered"
            if extension is Extension.SIZE and not option.removeprefix("SIZE=").isdecimal():
                return "501 5.5.4 SIZE is a number of bytes"
            if extension is Extension.SIZE and int(option.removeprefix("SIZE=")) > MESSAGE_BYTES_AT_MOST:
                return "552 5.3.4 Message too large"
        return None

    def _refuse_address(self, address: str) -> str | None:
        if Extension.SMTPUTF8 in self._dialogue.withheld and not address.isascii():
            return "553 5.6.7 Address needs SMTPUTF8, which was not offered"
        return None

    async def rcpt(self, argument: str) -> str:
        """Names a recipient."""
        if self._sender is None:
            return "503 5.5.1 MAIL first"
        address, options = _path(argument, "TO:")
        if not address or options:
            return "501 5.5.4 RCPT TO:<address> is what is understood"
        refusal = self._refuse_address(address)
        if refusal is not None:
            return refusal
        reply = await self._dialogue.play(Phase.RCPT, [address])
        if accepted(reply):
            self._recipients.append(address)
        return reply or "250 2.1.5 Ok"

    async def data(self, argument: str) -> str:
        """Takes the message; the script may lose it or its reply."""
        if not self._recipients:
            return "503 5.5.1 RCPT first"
        if argument:
            return "501 5.5.4 DATA has no argument"
        reply = await self._dialogue.play(Phase.DATA, self._recipients)
        if reply is not None:
            return reply
        await self._dialogue.reply("354 End data with <CR><LF>.<CR><LF>")
        content = await self._dialogue.stream.content(at_most=MESSAGE_BYTES_AT_MOST)
        sender, recipients = self._sender or "", tuple(self._recipients)
        self.clear()
        return await self._take_message(sender, recipients, content)

    async def _take_message(self, sender: str, recipients: tuple[str, ...], content: bytes | None) -> str:
        if content is None:
            return "552 5.3.4 Message too large"
        if Extension.EIGHT_BIT in self._dialogue.withheld and not content.isascii():
            return "554 5.6.3 Message needs 8BITMIME, which was not offered"
        rule = self._dialogue.take(Phase.DOT, recipients)
        usual = "250 2.0.0 Ok"
        if rule is None or rule.stores:
            message = self._dialogue.state.mailbox.keep(sender=sender, recipients=recipients, raw=content)
            self._dialogue.connection.messages += 1
            log.info("message_kept", message_id=message.id, recipients=len(recipients), size=len(content))
            usual = f"250 2.0.0 Ok: kept as {message.id}"
        return await self._dialogue.perform(rule) or usual


def _path(argument: str, begin: str) -> tuple[str | None, list[str]]:
    """Returns the address and the options of MAIL or RCPT; None where there is no address."""
    if not argument.upper().startswith(begin):
        return None, []
    path, _, options = argument[len(begin) :].strip().partition(" ")
    found = _PATH.fullmatch(path)
    return (None if found is None else found[1] or found[2] or ""), options.split()
