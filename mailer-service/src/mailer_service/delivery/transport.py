"""The port through which a letter leaves: what it is given, what it says afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Protocol

from mail_contract.messages import EnvelopeHeader
from mailer_service.delivery.outcome import Verdict
from mailer_service.render.rendering import Rendering


class Phase(StrEnum):
    """How far the conversation with a server had come (RFC 5321); `dot` begins once the final dot has left."""

    CONNECT = auto()
    TLS = auto()
    EHLO = auto()
    AUTH = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    DOT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingLetter:
    """A letter ready to be sent.

    Attributes:
        header: of its envelope; Message-ID, Date and boundary derive from it.
        recipient: the address, as typed.
        rendering: its words.
    """

    header: EnvelopeHeader
    recipient: str
    rendering: Rendering


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """What one try to hand over a letter came to.

    Attributes:
        verdict: what it means.
        phase: how far it came; None if no server was asked.
        reply: the server's last words without anything personal; None if there were none.
        provider: which server, `host:port`.
    """

    verdict: Verdict
    phase: Phase | None
    reply: str | None
    provider: str


class Transport(Protocol):
    """Hands letters to a mail server."""

    def send(self, letter: OutgoingLetter, *, deadline: float) -> Transmission:
        """Tries once and always answers; nothing is sent after `deadline` (seconds of `time.monotonic`)."""
