"""From what happened to what it means: one table, read from the top, the first row that fits decides.

A refusal before the final dot, or a reply after it, is certain; only silence after the dot is ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from mailer_service.delivery.outcome import Ambiguous, Dead, TryLater
from mailer_service.delivery.transport import Phase
from mailer_service.smtp.reply import Reply, Silence

Refused = TryLater | Ambiguous | Dead
Meaning = Callable[[str], Refused]

_ANY_PHASE = frozenset(Phase)
_BEFORE_MAIL = frozenset({Phase.CONNECT, Phase.TLS, Phase.EHLO, Phase.AUTH})
_ANY_CODE = range(1000)


def later(after: timedelta = timedelta(), *, tries: int | None = None) -> Meaning:
    """Certainly not accepted; another attempt makes sense."""
    return lambda reason: TryLater(reason=reason, after=after, tries=tries)


def dead(as_reason: str | None = None) -> Meaning:
    """Another attempt would end the same way."""
    return lambda reason: Dead(reason=as_reason or reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRow:
    """Replies that mean the same.

    Attributes:
        meaning: what they mean; given the reply's token.
        phases: when they were given.
        codes: basic codes.
        enhanced: enhanced codes, or their beginnings; empty for any and none.
        temporary: whether they must be temporary or permanent by their strongest code; None for either.
    """

    meaning: Meaning
    phases: frozenset[Phase] = _ANY_PHASE
    codes: range | frozenset[int] = _ANY_CODE
    enhanced: tuple[str, ...] = ()
    temporary: bool | None = None

    def fits(self, phase: Phase, reply: Reply) -> bool:
        """Tells whether the reply belongs to this row."""
        return (
            phase in self.phases
            and reply.code in self.codes
            and (not self.enhanced or (reply.enhanced or "").startswith(self.enhanced))
            and (self.temporary is None or self.temporary == reply.temporary)
        )


REPLIES: tuple[ReplyRow, ...] = (
    # What comes before MAIL is between the server and us: it says nothing about the letter, whatever its code.
    ReplyRow(phases=_BEFORE_MAIL, meaning=later(timedelta(minutes=1))),
    ReplyRow(codes=frozenset({530, 534, 535}), meaning=later(timedelta(minutes=5))),
    ReplyRow(codes=frozenset({421}), meaning=later(timedelta(minutes=1))),
    # Greylisting (RFC 6647) wants at least five minutes.
    ReplyRow(enhanced=("4.2.0", "4.7.1"), temporary=True, meaning=later(timedelta(minutes=5))),
    ReplyRow(enhanced=("4.2.2",), temporary=True, meaning=later(timedelta(minutes=30))),
    ReplyRow(enhanced=("5.6.7",), temporary=False, meaning=dead("address_not_supported")),
    ReplyRow(temporary=True, meaning=later()),
    ReplyRow(codes=range(500, 600), meaning=dead()),
    ReplyRow(enhanced=("5.",), meaning=dead()),
    # Neither what was asked for nor a refusal of RFC 5321.
    ReplyRow(meaning=later(timedelta(minutes=1), tries=3)),
)


def meaning_of(phase: Phase, cause: Reply | Silence) -> Refused:
    """Returns what a refusal or a silence in that phase means."""
    if phase is Phase.DOT and (isinstance(cause, Silence) or cause.code < 400):
        token = cause.token if isinstance(cause, Reply) else cause
        return Ambiguous(reason=f"{token}_after_dot", after=timedelta(minutes=1))
    if isinstance(cause, Reply):
        row = next(row for row in REPLIES if row.fits(phase, cause))
        return row.meaning(cause.token)
    if cause is Silence.SMTPUTF8_NOT_OFFERED:
        return Dead(reason="address_not_supported")
    if cause is Silence.GARBAGE:
        return TryLater(reason=cause, after=timedelta(minutes=1), tries=5)
    return TryLater(reason=cause)
