"""What servers' replies mean, as a table: read from the top, the first row that fits decides.

Words that tell whose trouble it is (`phrases`) come before codes that large receivers use for different things. An enhanced
code (RFC 3463, RFC 5248) says more than a basic one (RFC 5321), so its rows come next; a reply that has none, or one that
says nothing, is judged by what it answered: RCPT names the recipient, MAIL the sender, DATA the content.
"""

from __future__ import annotations

from mailer_service.delivery.attempt import Phase
from mailer_service.delivery.outcome import Ambiguous, Concern, Dead, Meaning, OtherProvider, Sent, TryLater
from mailer_service.smtp import reply_row as are
from mailer_service.smtp.phrases import Says
from mailer_service.smtp.refusal_phrases import REFUSAL_PHRASES
from mailer_service.smtp.reply import Reply, Silence
from mailer_service.smtp.reply_row import (
    AWAY,
    CONTENT,
    FROM_RCPT,
    IF_WE_MAY,
    MAIL,
    MINUTE,
    RCPT,
    SESSION,
    WHILE_ODD,
    ReplyRow,
    dead,
    elsewhere,
    later,
    pause,
    rows_of,
)
from mailer_service.smtp.sender_phrases import SENDER_PHRASES

_AUTH = frozenset({Phase.AUTH})
_TLS = frozenset({Phase.TLS})

_UNSPECIFIC = ("", "5.0.0", "5.1.0")
"""No enhanced code, or one that says no more than the basic one."""
_REFUSALS = frozenset({550, 551, 553, 554})


_QUOTA_CODES = ("5.4.5", "5.1.90")
"""Gmail's and Exchange Online's daily limits."""
_EXCHANGE_RECIPIENT_LIMITS = ("5.2.121", "5.2.122")


_QUOTA = (
    *rows_of(phrase for phrase in SENDER_PHRASES if phrase.says is Says.QUOTA),  # also in a banner
    ReplyRow(
        phases=MAIL | FROM_RCPT, enhanced=_QUOTA_CODES, verdict=pause, concern=Concern.QUOTA, alarm=True
    ),
)

_ACCOUNT = (
    # At RCPT it is the recipient's account that is disabled (RFC 5248 knows this pair for the sender's).
    ReplyRow(
        phases=RCPT,
        codes=frozenset({525}),
        enhanced=("5.7.13",),
        verdict=dead(suppress=are.NO_MAILBOX),
    ),
    ReplyRow(phases=_AUTH, codes=range(500, 600), verdict=pause, concern=Concern.ACCOUNT, alarm=True),
    ReplyRow(
        codes=frozenset({525, 530, 534, 535, 538}), verdict=pause, concern=Concern.ACCOUNT, alarm=True
    ),  # RFC 4954, section 6; 525 is RFC 5248's disabled account
    ReplyRow(enhanced=("5.7.26",), verdict=pause, concern=Concern.ACCOUNT, alarm=True),
)

_BEFORE_MAIL = (
    ReplyRow(phases=SESSION, codes=frozenset({454}), verdict=AWAY, concern=Concern.PROVIDER, alarm=True),
    ReplyRow(phases=SESSION, codes=frozenset({421, 432}), verdict=AWAY, concern=Concern.PROVIDER),
    ReplyRow(phases=_TLS, verdict=AWAY, concern=Concern.PROVIDER, alarm=True),
    ReplyRow(phases=SESSION, verdict=AWAY, concern=Concern.PROVIDER),
)

_FAREWELL = (
    # A good-bye nobody asked for ends the session as 421 does.
    ReplyRow(codes=frozenset({221}), verdict=AWAY, concern=Concern.PROVIDER),
)

_OURS_BY_WORDS = (
    ReplyRow(
        phases=FROM_RCPT,
        enhanced=_EXCHANGE_RECIPIENT_LIMITS,
        verdict=later(are.GREYLISTED),
        concern=Concern.RECIPIENT,
    ),
    *rows_of(phrase for phrase in SENDER_PHRASES if phrase.says is not Says.QUOTA),
)

_BUSY = (
    ReplyRow(
        phases=MAIL,
        codes=frozenset({454}),
        temporary=True,
        verdict=AWAY,
        concern=Concern.PROVIDER,
        alarm=True,
    ),
    ReplyRow(
        phases=MAIL, codes=frozenset({421, 432}), temporary=True, verdict=AWAY, concern=Concern.PROVIDER
    ),
    ReplyRow(phases=MAIL, enhanced=("4.7.0",), verdict=AWAY, concern=Concern.PROVIDER),
    ReplyRow(codes=frozenset({421}), enhanced=("4.3.",), verdict=AWAY, concern=Concern.PROVIDER),
    ReplyRow(
        codes=frozenset({454}), temporary=True, verdict=later(are.MINUTE), concern=Concern.DOMAIN, alarm=True
    ),
    ReplyRow(codes=frozenset({421, 432}), temporary=True, verdict=later(are.MINUTE), concern=Concern.DOMAIN),
    ReplyRow(enhanced=("4.7.0",), verdict=later(are.MINUTE), concern=Concern.DOMAIN),
)

_TEMPORARY = (
    ReplyRow(enhanced=("4.2.0", "4.7.1"), verdict=later(are.GREYLISTED, same_provider=True)),
    ReplyRow(enhanced=("4.2.1",), verdict=later(are.GREYLISTED), concern=Concern.RECIPIENT),
    ReplyRow(enhanced=("4.2.2",), verdict=later(are.FULL, tries=are.WHILE_FULL, ends_dead=True)),
    ReplyRow(enhanced=("4.3.", "4.4."), verdict=later()),
)

_REFUSED_BY_WORDS = rows_of(REFUSAL_PHRASES)

_PERMANENT = (
    # `550 5.1.10` is Exchange's word for one recipient; only with 556 it is RFC 7505's for a domain without mail.
    ReplyRow(
        phases=FROM_RCPT,
        codes=frozenset({556}),
        enhanced=("5.1.10",),
        verdict=dead(suppress=are.NO_MAIL_IN_DOMAIN),
    ),
    ReplyRow(enhanced=("5.6.7",), verdict=dead("address_not_supported")),
    ReplyRow(enhanced=("5.3.4",), verdict=dead(), alarm=True),
    ReplyRow(phases=FROM_RCPT, enhanced=("5.1.2",), verdict=dead(suppress=are.NO_MAILBOX_NOW)),
    ReplyRow(
        phases=FROM_RCPT,
        enhanced=("5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.1.351", "5.2.1"),
        verdict=dead(suppress=are.NO_MAILBOX),
    ),
    ReplyRow(phases=FROM_RCPT, enhanced=("5.2.2",), verdict=dead(suppress=are.FULL_MAILBOX)),
    ReplyRow(
        phases=FROM_RCPT, enhanced=("5.1.7", "5.1.8"), verdict=IF_WE_MAY, concern=Concern.SET_UP, alarm=True
    ),
    ReplyRow(enhanced=("5.7.",), verdict=elsewhere(dead())),
    ReplyRow(codes=frozenset({500, 501, 502, 503, 504, 555}), temporary=False, verdict=dead(), alarm=True),
    ReplyRow(phases=MAIL, enhanced=("5.1.",), verdict=pause, concern=Concern.ACCOUNT, alarm=True),
)

_BY_PHASE = (
    ReplyRow(
        phases=FROM_RCPT,
        codes=frozenset({521, 556}),
        temporary=False,
        verdict=dead(suppress=are.NO_MAIL_IN_DOMAIN),
    ),
    ReplyRow(phases=MAIL, codes=frozenset({552}), enhanced=_UNSPECIFIC, verdict=dead(), alarm=True),
    ReplyRow(
        phases=RCPT, codes=frozenset({552}), enhanced=_UNSPECIFIC, verdict=dead(suppress=are.FULL_MAILBOX)
    ),
    ReplyRow(codes=frozenset({552}), enhanced=_UNSPECIFIC, verdict=dead()),
    ReplyRow(phases=RCPT, codes=_REFUSALS, enhanced=_UNSPECIFIC, verdict=dead(suppress=are.NO_MAILBOX_NOW)),
    ReplyRow(
        phases=MAIL,
        codes=_REFUSALS,
        enhanced=_UNSPECIFIC,
        verdict=pause,
        concern=Concern.ACCOUNT,
        alarm=True,
    ),
    ReplyRow(phases=CONTENT, codes=_REFUSALS, enhanced=_UNSPECIFIC, verdict=dead()),
)

_ANYTHING_ELSE = (
    ReplyRow(temporary=True, verdict=later()),
    ReplyRow(verdict=later(are.MINUTE, tries=are.WHILE_ODD)),
)

REPLIES: tuple[ReplyRow, ...] = (
    *_QUOTA,
    *_ACCOUNT,
    *_BEFORE_MAIL,
    *_FAREWELL,
    *_OURS_BY_WORDS,
    *_BUSY,
    *_TEMPORARY,
    *_REFUSED_BY_WORDS,
    *_PERMANENT,
    *_BY_PHASE,
    *_ANYTHING_ELSE,
)


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
