"""What is said before a letter's bytes (RFC 5321, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

from mailer_service.delivery.transmission import Phase
from mailer_service.smtp.extensions import Extensions
from mailer_service.smtp.message import Message
from mailer_service.smtp.reply import ConversationFailed, Silence

SEND_THE_MESSAGE = 354


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a transaction.

    Attributes:
        phase: what is under way from it on.
        line: without its end.
        expected: the code that is hoped for; None for any 2yz.
    """

    phase: Phase
    line: bytes
    expected: int | None = None


def commands(message: Message, offered: Extensions) -> tuple[Command, ...]:
    """Returns the commands; they may be said one by one or, where PIPELINING is offered, at once.

    Raises:
        ConversationFailed: what the server offers will not do for this letter; nothing was said.
    """
    size = len(message.octets)
    if message.recipient.needs_smtputf8 and not offered.smtputf8:
        raise ConversationFailed(Phase.MAIL, Silence.SMTPUTF8_NOT_OFFERED)
    if offered.size_limit is not None and size > offered.size_limit:
        raise ConversationFailed(Phase.MAIL, Silence.TOO_LARGE)
    options = f" SIZE={size}" if offered.size else ""
    if message.recipient.needs_smtputf8:
        # Its header names the recipient in UTF-8. All other letters are 7bit, whatever the server takes: a retry
        # elsewhere is the same to the byte.
        options += " BODY=8BITMIME SMTPUTF8" if offered.eight_bit else " SMTPUTF8"
    return (
        Command(phase=Phase.MAIL, line=f"MAIL FROM:<{message.sender}>{options}".encode()),
        Command(phase=Phase.RCPT, line=f"RCPT TO:<{message.recipient}>".encode()),
        Command(phase=Phase.DATA, line=b"DATA", expected=SEND_THE_MESSAGE),
    )
