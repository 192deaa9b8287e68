"""What servers' replies mean, as a table: read from the top, the first row that fits decides.

An enhanced code (RFC 3463, RFC 5248) says more than a basic one (RFC 5321), so its rows come first; a reply that has
none, or one that says nothing, is judged by what it answered: RCPT names the recipient, MAIL the sender, DATA the content.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer_service.delivery.outcome import Concern, Meaning
from mailer_service.delivery.transport import Phase
from mailer_service.smtp import judgements as are
from mailer_service.smtp.judgements import Judgement, dead, elsewhere, later, pause
from mailer_service.smtp.reply import Reply

SESSION = frozenset({Phase.CONNECT, Phase.TLS, Phase.EHLO, Phase.AUTH})
"""Before MAIL all is between the server and us: it says nothing about the letter, whatever its code."""
_AUTH = frozenset({Phase.AUTH})
_TLS = frozenset({Phase.TLS})
_MAIL = frozenset({Phase.MAIL})
_RCPT = frozenset({Phase.RCPT})
_FROM_RCPT = frozenset({Phase.RCPT, Phase.DATA, Phase.DOT})
_CONTENT = frozenset({Phase.DATA, Phase.DOT})

_UNSPECIFIC = ("", "5.0.0", "5.1.0")
"""No enhanced code, or one that says no more than the basic one."""
_REFUSALS = frozenset({550, 551, 553, 554})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRow:
    """Replies that mean the same.

    Attributes:
        verdict: what they mean for the letter; given the reply's token.
        concern, alarm: as in `Meaning`.
        phases: when they were given; empty for any.
        codes: basic codes; empty for any.
        enhanced: enhanced codes, or their beginnings up to a dot; empty for any and none.
        temporary: whether they must be temporary or permanent by their strongest code; None for either.
    """

    verdict: Judgement
    concern: Concern = Concern.NONE
    alarm: bool = False
    phases: frozenset[Phase] = frozenset()
    codes: frozenset[int] | range = frozenset()
    enhanced: tuple[str, ...] = ()
    temporary: bool | None = None

    def fits(self, phase: Phase, reply: Reply) -> bool:
        """Tells whether the reply belongs to this row."""
        return (
            (not self.phases or phase in self.phases)
            and (not self.codes or reply.code in self.codes)
            and (not self.enhanced or _matches(reply.enhanced or "", self.enhanced))
            and (self.temporary is None or self.temporary == reply.temporary)
        )

    def meaning(self, reply: Reply) -> Meaning:
        """Returns what a reply of this row means."""
        return Meaning(verdict=self.verdict(reply.token), concern=self.concern, alarm=self.alarm)


def _matches(code: str, patterns: tuple[str, ...]) -> bool:
    return any(code.startswith(p) if p.endswith(".") else code == p for p in patterns)


_ACCOUNT = (
    ReplyRow(phases=_AUTH, codes=range(500, 600), verdict=pause, concern=Concern.ACCOUNT, alarm=True),
    ReplyRow(
        codes=frozenset({525, 530, 534, 535, 538}), verdict=pause, concern=Concern.ACCOUNT, alarm=True
    ),  # RFC 4954, section 6; 525 is RFC 5248's disabled account
    ReplyRow(enhanced=("5.7.26",), verdict=pause, concern=Concern.ACCOUNT, alarm=True),
)

_AWAY = elsewhere(later(are.MINUTE))
_BEFORE_MAIL = (
    ReplyRow(phases=SESSION, codes=frozenset({454}), verdict=_AWAY, concern=Concern.PROVIDER, alarm=True),
    ReplyRow(phases=SESSION, codes=frozenset({421, 432}), verdict=_AWAY, concern=Concern.PROVIDER),
    ReplyRow(phases=_TLS, verdict=_AWAY, concern=Concern.PROVIDER, alarm=True),
    ReplyRow(phases=SESSION, verdict=_AWAY, concern=Concern.PROVIDER),
)

_BUSY = (
    # A good-bye nobody asked for ends the session as 421 does.
    ReplyRow(codes=frozenset({221}), verdict=_AWAY, concern=Concern.PROVIDER),
    ReplyRow(
        phases=_MAIL,
        codes=frozenset({454}),
        temporary=True,
        verdict=_AWAY,
        concern=Concern.PROVIDER,
        alarm=True,
    ),
    ReplyRow(
        phases=_MAIL, codes=frozenset({421, 432}), temporary=True, verdict=_AWAY, concern=Concern.PROVIDER
    ),
    ReplyRow(phases=_MAIL, enhanced=("4.7.0",), verdict=_AWAY, concern=Concern.PROVIDER),
    ReplyRow(codes=frozenset({421}), enhanced=("4.3.",), verdict=_AWAY, concern=Concern.PROVIDER),
    ReplyRow(
        codes=frozenset({454}), temporary=True, verdict=later(are.MINUTE), concern=Concern.DOMAIN, alarm=True
    ),
    ReplyRow(codes=frozenset({421, 432}), temporary=True, verdict=later(are.MINUTE), concern=Concern.DOMAIN),
    ReplyRow(enhanced=("4.7.0",), verdict=later(are.MINUTE), concern=Concern.DOMAIN),
)

_TEMPORARY = (
    ReplyRow(enhanced=("4.2.0", "4.7.1"), verdict=later(are.GREYLISTED, same_provider=True)),
    ReplyRow(enhanced=("4.2.1",), verdict=later(are.GREYLISTED), concern=Concern.RECIPIENT),
    ReplyRow(enhanced=("4.2.2",), verdict=later(are.FULL, tries=are.A_FEW, ends_dead=True)),
    ReplyRow(enhanced=("4.3.", "4.4."), verdict=later()),
)

_PERMANENT = (
    ReplyRow(enhanced=("5.6.7",), verdict=dead("address_not_supported")),
    ReplyRow(enhanced=("5.3.4",), verdict=dead(), alarm=True),
    ReplyRow(phases=_FROM_RCPT, enhanced=("5.1.10",), verdict=dead(suppress=are.NO_MAIL_IN_DOMAIN)),
    ReplyRow(phases=_FROM_RCPT, enhanced=("5.1.2",), verdict=dead(suppress=are.NO_MAILBOX_NOW)),
    ReplyRow(
        phases=_FROM_RCPT,
        enhanced=("5.1.1", "5.1.3", "5.1.6", "5.2.1"),
        verdict=dead(suppress=are.NO_MAILBOX),
    ),
    ReplyRow(phases=_FROM_RCPT, enhanced=("5.2.2",), verdict=dead(suppress=are.FULL_MAILBOX)),
    ReplyRow(enhanced=("5.7.",), verdict=elsewhere(dead())),
    ReplyRow(codes=frozenset({500, 501, 502, 503, 504, 555}), temporary=False, verdict=dead(), alarm=True),
    ReplyRow(phases=_MAIL, enhanced=("5.1.",), verdict=pause, concern=Concern.ACCOUNT, alarm=True),
)

_BY_PHASE = (
    ReplyRow(
        phases=_FROM_RCPT,
        codes=frozenset({521, 556}),
        temporary=False,
        verdict=dead(suppress=are.NO_MAIL_IN_DOMAIN),
    ),
    ReplyRow(phases=_MAIL, codes=frozenset({552}), enhanced=_UNSPECIFIC, verdict=dead(), alarm=True),
    ReplyRow(codes=frozenset({552}), enhanced=_UNSPECIFIC, verdict=dead(suppress=are.FULL_MAILBOX)),
    ReplyRow(phases=_RCPT, codes=_REFUSALS, enhanced=_UNSPECIFIC, verdict=dead(suppress=are.NO_MAILBOX_NOW)),
    ReplyRow(
        phases=_MAIL,
        codes=_REFUSALS,
        enhanced=_UNSPECIFIC,
        verdict=pause,
        concern=Concern.ACCOUNT,
        alarm=True,
    ),
    ReplyRow(phases=_CONTENT, codes=_REFUSALS, enhanced=_UNSPECIFIC, verdict=dead()),
)

_ANYTHING_ELSE = (
    ReplyRow(temporary=True, verdict=later()),
    ReplyRow(verdict=later(are.MINUTE, tries=are.A_FEW)),
)

REPLIES: tuple[ReplyRow, ...] = (
    *_ACCOUNT,
    *_BEFORE_MAIL,
    *_BUSY,
    *_TEMPORARY,
    *_PERMANENT,
    *_BY_PHASE,
    *_ANYTHING_ELSE,
)
