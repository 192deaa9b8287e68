"""The moments of a transaction: each plays its phase of the script and then does what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from dev_inbox.extensions import greeting_lines, refuse_address, refuse_content, refuse_options
from dev_inbox.line import HOSTNAME
from dev_inbox.script import Phase

if TYPE_CHECKING:
    from dev_inbox.conversation import Conversation

log = structlog.get_logger(__name__)

_NULL_SENDER = "<>"
_TOO_FAST = "450 4.7.1 Too many messages a second"


class Hooks:
    """The library's hooks of one conversation; it finds them by name."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    async def handle_HELO(self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str) -> str:  # noqa: N802
        """Greets without extensions."""
        reply = await self._conversation.play(Phase.EHLO)
        if _accepted(reply):
            session.host_name = hostname
        return reply or f"250 {HOSTNAME}"

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, _responses: list[str]
    ) -> list[str]:
        """Greets with the extensions that are offered."""
        conversation = self._conversation
        rule = conversation.take(Phase.EHLO)
        reply = await conversation.perform(rule)
        conversation.withheld = frozenset() if rule is None else rule.without
        if _accepted(reply):
            session.host_name = hostname
        return greeting_lines(HOSTNAME, conversation.offered) if reply is None else [reply]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes the sender."""
        conversation = self._conversation
        withheld = conversation.withheld
        refusal = refuse_options(withheld, options) or refuse_address(withheld, address)
        if refusal is not None:
            return refusal
        reply = await conversation.play(Phase.MAIL)
        if reply is None and not conversation.reception.rate.admit():
            conversation.reception.connections.totals.throttled += 1
            reply = _TOO_FAST
        if _accepted(reply):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes a recipient."""
        refusal = refuse_address(self._conversation.withheld, address)
        if refusal is not None:
            return refusal
        reply = await self._conversation.play(Phase.RCPT, [address])
        if _accepted(reply):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply or "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes the message; the script may lose it or its reply."""
        conversation = self._conversation
        content = envelope.original_content or b""
        refusal = refuse_content(conversation.withheld, content)
        if refusal is not None:
            return refusal
        rule = conversation.take(Phase.DOT, envelope.rcpt_tos)
        usual = "250 2.0.0 Ok"
        if rule is None or rule.stores:
            sender = "" if envelope.mail_from in {None, _NULL_SENDER} else str(envelope.mail_from)
            usual = f"250 2.0.0 Ok: kept as {conversation.keep(sender, envelope.rcpt_tos, content)}"
        return await conversation.perform(rule) or usual

    async def handle_exception(self, error: Exception) -> str:
        """Answers where the inbox itself failed."""
        # The library would log the traceback and tell the client the text; both may hold an address.
        log.error("session_failed", error=type(error).__name__)
        return "451 4.3.0 The development inbox failed"


def _accepted(reply: str | None) -> bool:
    return reply is None or reply.startswith("2")
