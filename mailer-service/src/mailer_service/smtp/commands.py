"""What a server can do, by its reply to EHLO, and what is said to it because of that: logging in, and a letter's envelope."""

from __future__ import annotations

import base64
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Self

from mailer_service.delivery.attempt import Phase
from mailer_service.letters.compose import Message
from mailer_service.smtp.reply import ConversationFailed, Silence

_SIZE = re.compile(r"[0-9]{1,20}")
"""RFC 1870, section 3; zero stands for no fixed limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """The extensions that matter here; none of them is used unless it was offered.

    Attributes:
        starttls: RFC 3207.
        pipelining: RFC 2920; several commands at once.
        eight_bit: RFC 6152, 8BITMIME.
        smtputf8: RFC 6531; addresses and headers beyond ASCII.
        size: RFC 1870; the size of a letter may be told beforehand.
        size_limit: octets; None if there is no fixed one.
        auth: mechanisms of RFC 4954, in capitals.
    """

    starttls: bool = False
    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    size: bool = False
    size_limit: int | None = None
    auth: frozenset[str] = frozenset()

    @classmethod
    def read(cls, words: str) -> Self:
        """Reads the lines of a reply to EHLO, the first of which is only a greeting; what is unknown is left out."""
        offered: dict[str, list[str]] = {}
        for line in words.split("\n")[1:]:
            # `AUTH=` is how servers older than RFC 2554 write it, and newer ones for the clients of that time.
            keyword, *parameters = line.upper().replace("AUTH=", "AUTH ").split() or [""]
            offered.setdefault(keyword, []).extend(parameters)
        limit = next(iter(offered.get("SIZE", [])), "")
        return cls(
            starttls="STARTTLS" in offered,
            pipelining="PIPELINING" in offered,
            eight_bit="8BITMIME" in offered,
            smtputf8="SMTPUTF8" in offered,
            size="SIZE" in offered,
            size_limit=int(limit) or None if _SIZE.fullmatch(limit) else None,
            auth=frozenset(offered.get("AUTH", [])),
        )


def login_lines(offered: AbstractSet[str], *, username: str, password: str) -> tuple[bytes, ...]:
    """Returns what to say to log in, without line ends: each but the last is answered by 334, the last by 235.

    PLAIN (RFC 4616) if it is offered, for it takes one round trip; else LOGIN, which only old servers are left with.
    One mechanism and one try, for every refused one counts against the account (RFC 4954).
    None of them hides the password, so all of this is said under TLS only. Empty if neither is offered.
    """
    user, secret = username.encode(), password.encode()
    if "PLAIN" in offered:
        return (b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + secret),)
    if "LOGIN" in offered:
        return (b"AUTH LOGIN", base64.b64encode(user), base64.b64encode(secret))
    return ()


SEND_THE_MESSAGE = 354
"""RFC 5321, section 3.3: the reply to DATA."""


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
    """Returns what is said before a letter's bytes; the commands may be said one by one or, where PIPELINING is offered, at once.

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
