"""From what happened to what it means. Pure: what follows for the letter and for others is decided elsewhere.

A refusal before the final dot, or a reply after it, is certain; only silence after the dot is ambiguous.
"""

from __future__ import annotations

from mailer_service.delivery.outcome import Ambiguous, Concern, Dead, Meaning, OtherProvider, Sent, TryLater
from mailer_service.delivery.transmission import Phase
from mailer_service.smtp.judgements import MINUTE, WHILE_ODD
from mailer_service.smtp.reply import Reply, Silence
from mailer_service.smtp.reply_row import SESSION
from mailer_service.smtp.reply_table import REPLIES

_UNPROTECTED = frozenset(
    {Silence.TLS_FAILED, Silence.TLS_NOT_OFFERED, Silence.INJECTED, Silence.AUTH_NOT_OFFERED}
)
"""Nothing is said to such a server, and nothing that time alone mends: a person should look."""


def meaning_of(phase: Phase, cause: Reply | Silence) -> Meaning:
    """Returns what a reply, or the lack of one, in that phase means.

    Args:
        phase: what was answered, or not; `DOT` once the final dot has left.
        cause: the answer; any positive reply but the one to the dot is one that came out of turn.
    """
    if isinstance(cause, Silence):
        return _meaning_of_silence(phase, cause)
    if phase is Phase.DOT and cause.code < 400:
        if cause.positive:
            return Meaning(verdict=Sent())
        return Meaning(verdict=Ambiguous(reason=f"{cause.token}_after_dot", after=MINUTE))
    phrases = cause.phrases()
    return next(row for row in REPLIES if row.fits(phase, cause, phrases)).meaning(cause)


def _meaning_of_silence(phase: Phase, cause: Silence) -> Meaning:
    if phase is Phase.DOT:
        concern = Concern.NONE if cause is Silence.STOPPED else Concern.PROVIDER
        return Meaning(verdict=Ambiguous(reason=f"{cause}_after_dot", after=MINUTE), concern=concern)
    if cause is Silence.SMTPUTF8_NOT_OFFERED:
        return Meaning(verdict=OtherProvider(reason=cause, otherwise=Dead(reason="address_not_supported")))
    if cause is Silence.TOO_LARGE:
        return Meaning(verdict=Dead(reason=cause), alarm=True)
    if phase in SESSION:
        return Meaning(
            verdict=OtherProvider(reason=cause, otherwise=TryLater(reason=cause)),
            concern=Concern.PROVIDER,
            alarm=cause in _UNPROTECTED or phase is Phase.TLS,
        )
    if cause is Silence.GARBAGE:
        few = TryLater(reason=cause, after=MINUTE, tries=WHILE_ODD)
        return Meaning(verdict=OtherProvider(reason=cause, otherwise=few))
    # At RCPT a server may be asking the recipient's own and waiting for it in vain.
    slow = phase is Phase.RCPT and cause is Silence.TIMEOUT
    return Meaning(
        verdict=OtherProvider(reason=cause, otherwise=TryLater(reason=cause)),
        concern=Concern.DOMAIN if slow else Concern.PROVIDER,
    )
