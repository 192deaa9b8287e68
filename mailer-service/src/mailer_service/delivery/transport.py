"""The port through which a letter leaves: what it is given, what it says afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, auto
from types import TracebackType
from typing import Protocol, Self

from mail_contract.messages import EnvelopeHeader
from mailer_service.delivery.outcome import Concern, Pause, Verdict
from mailer_service.render.rendering import Rendering
from mailer_service.suppression.marks import Marks


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
        provider: which server, `host:port`; empty if none was asked.
        concern: who should be treated with care from now on.
        alarm: whether a person should look.
        duration_ms: how long it took.
        earlier: what the same letter came to, just before, with other providers; none of them accepted it.
    """

    verdict: Verdict
    phase: Phase | None
    reply: str | None
    provider: str
    concern: Concern = Concern.NONE
    alarm: bool = False
    duration_ms: int = 0
    earlier: tuple[Transmission, ...] = ()


class Passage(Protocol):
    """The right to hand over one letter, to be left by `with`."""

    @property
    def provider(self) -> str:
        """Returns the name of whoever is asked first, where nothing binds the letter to another one."""

    def __enter__(self) -> Self:
        """Returns itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        """Makes room for the next letter."""

    def send(
        self,
        letter: OutgoingLetter,
        *,
        deadline: float,
        begin: Callable[[str], bool],
        keep: Callable[[], bool] = lambda: True,
        provider: str | None = None,
    ) -> Transmission | None:
        """Tries, each provider once at most; None if not even the first might be asked.

        Args:
            letter: what to send.
            deadline: seconds of `time.monotonic`; nothing is sent after it. The reply to the final dot may come later.
            begin: told the name of each provider just before it is asked; whether it may be.
            keep: called about once a second while the reply to the final dot is awaited; False ends the waiting.
            provider: the only one that may be asked, because an earlier attempt there may have succeeded or must be
                repeated there; None leaves the choice free.
        """


class Transport(Protocol):
    """Knows the ways out."""

    def admit(self, header: EnvelopeHeader, marks: Marks | None) -> Passage | Pause:
        """Finds a way for a letter nobody has claimed yet, or tells how long it should wait on the broker instead.

        Args:
            header: of its envelope.
            marks: by what its recipient is recognised; None for an address that nothing can be sent to.

        Raises:
            LedgerUnavailable: what all replicas together may do cannot be asked.
            GivenBack: the replica is being stopped.
        """
