"""What a server said, or that it said nothing: the two things a conversation can fail with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from mailer_service.delivery.attempt import Phase

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
"""RFC 3463: class, subject, detail, at the start of the text."""
_QMAIL = re.compile(r"(?:^|\()#([245]\.\d{1,3}\.\d{1,3})\b")
"""How qmail (at the end) and Cisco's gateways (at the beginning) write the same."""
_NAME = r"[^\s<>()\[\],:;\"']"
_ADDRESS = re.compile(rf"(?<!{_NAME}){_NAME}+@{_NAME}+")
"""Looked for only where a name begins: anywhere else would take quadratic time of a reply without separators."""
MAX_CHARACTERS = 2000
"""Of a reply's text. Explanations are a few hundred long; a server may send 64 KiB to keep its reader busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply of RFC 5321.

    Attributes:
        code: three digits.
        enhanced: the enhanced status code of RFC 3463, if there was one.
        text: all lines, without the codes; no more than `MAX_CHARACTERS` when it was read.
    """

    code: int
    enhanced: str | None
    text: str

    @classmethod
    def read(cls, code: int, text: bytes) -> Self:
        """Takes the code and the lines without it, joined by LF."""
        words = text.decode("utf-8", errors="replace").strip()
        found = _ENHANCED.match(words)
        if found is None:
            elsewhere = _QMAIL.search(words)
            return cls(code=code, enhanced=elsewhere[1] if elsewhere else None, text=_clipped(words))
        lines = [line.removeprefix(found[0]).strip() for line in words.splitlines()]
        return cls(code=code, enhanced=found[0], text=_clipped(" ".join(lines)))

    @property
    def positive(self) -> bool:
        """Whether it is a 2yz reply; a good-bye agrees to nothing."""
        return 200 <= self.code < 300 and not self.closing

    @property
    def closing(self) -> bool:
        """Whether the server ends the session with it (RFC 5321, section 3.8)."""
        return self.code in {221, 421}

    @property
    def temporary(self) -> bool:
        """Whether trying again may help; the enhanced code wins over the basic one."""
        return self.enhanced[0] == "4" if self.enhanced else 400 <= self.code < 500

    @property
    def token(self) -> str:
        """The enhanced code, or else the basic one."""
        return self.enhanced or str(self.code)

    def phrases(self) -> str:
        """Returns the text to look for phrases in: lower case, one line, without addresses, which may be called anything."""
        words = _ADDRESS.sub(" ", self.text.lower().replace("\u2019", "'"))
        return " ".join(words.replace("<", " ").replace(">", " ").split()) + " "

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


def _clipped(words: str) -> str:
    """Returns the beginning of what is too long, without half a word: that may be half an address."""
    if len(words) <= MAX_CHARACTERS:
        return words
    return words[: MAX_CHARACTERS + 1].rsplit(None, 1)[0][:MAX_CHARACTERS]


class Silence(StrEnum):
    """Why there was no reply to go by."""

    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    REFUSED = "connection_refused"
    NAME_NOT_FOUND = "name_not_found"
    TLS_FAILED = "tls_failed"
    TLS_NOT_OFFERED = "tls_not_offered"
    AUTH_NOT_OFFERED = "auth_not_offered"
    SMTPUTF8_NOT_OFFERED = "smtputf8_not_offered"
    INJECTED = "injected_before_tls"
    """Somebody spoke in clear behind the reply to STARTTLS."""
    TOO_LARGE = "message_too_large"
    """For the limit that the server named itself."""
    GARBAGE = "protocol_error"
    STOPPED = "stopped"
    """We no longer waited, for the replica was being stopped: that says nothing about the server."""


class ConversationFailed(Exception):
    """The server refused, or the conversation broke off.

    Attributes:
        phase: how far it had come.
        cause: the refusal, or why there is none.
    """

    def __init__(self, phase: Phase, cause: Reply | Silence) -> None:
        super().__init__(f"{phase}: {cause.token if isinstance(cause, Reply) else cause}")
        self.phase = phase
        self.cause = cause
