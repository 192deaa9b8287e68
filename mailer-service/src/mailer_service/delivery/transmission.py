"""What one provider said when it was given a letter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from mailer_service.delivery.outcome import Concern, Verdict


class Phase(StrEnum):
    """How far the SMTP session had come (RFC 5321); `dot` begins once the final dot has left."""

    CONNECT = auto()
    TLS = auto()
    EHLO = auto()
    AUTH = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    DOT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """What one try to hand over a letter came to.

    Attributes:
        verdict: what it means.
        phase: how far it came; None if no server was asked.
        reply: the server's last words without anything personal; None if there were none.
        provider: which server, `host:port`; empty if none was asked.
        concern: who should be treated with care from now on.
        alarm: whether a person should look.
        duration_ms: how long it took, in milliseconds.
    """

    verdict: Verdict
    phase: Phase | None
    reply: str | None
    provider: str
    concern: Concern = Concern.NONE
    alarm: bool = False
    duration_ms: int = 0
