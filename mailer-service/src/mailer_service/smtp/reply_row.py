"""The rows of the reply table: which replies one is about and what they mean, and what stock phrases mean whoever says them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType

from mailer_service.db.tables import Scope
from mailer_service.delivery.attempt import Phase
from mailer_service.delivery.outcome import (
    Concern,
    Dead,
    Meaning,
    OtherProvider,
    Pause,
    Suppress,
    Tries,
    TryLater,
    Verdict,
)
from mailer_service.smtp.phrases import Phrase, Says
from mailer_service.smtp.reply import Reply

Judgement = Callable[[str], Verdict]
"""From a reply's token to the verdict that gives it as its reason."""

MINUTE = timedelta(minutes=1)
GREYLISTED = timedelta(minutes=5)
"""RFC 6647, section 4.5: a common delay; whoever comes sooner is only turned away again."""
FULL = timedelta(minutes=30)
A_WHILE = timedelta(days=1)
"""For what may mend itself, and for what no enhanced code vouches for."""
LONG = timedelta(days=90)
"""For an address that nobody has: a mailbox may be made there later, and a server may have been wrong for an hour."""
OFTEN = 3
_A_FEW = 3

WHILE_FULL = Tries(kind="full", at_most=_A_FEW)
WHILE_IT_MAY_PASS = Tries(kind="moment", at_most=_A_FEW)
WHILE_NOT_SET_UP = Tries(kind="set_up", at_most=_A_FEW)
WHILE_ODD = Tries(kind="odd", at_most=_A_FEW)

NO_MAILBOX = Suppress(scope=Scope.RECIPIENT, lifetime=LONG, absent=True)
NO_MAILBOX_NOW = Suppress(scope=Scope.RECIPIENT, lifetime=A_WHILE)
FULL_MAILBOX = Suppress(scope=Scope.RECIPIENT, lifetime=LONG, after=OFTEN)
NO_MAIL_IN_DOMAIN = Suppress(scope=Scope.DOMAIN, lifetime=A_WHILE, absent=True)


def later(
    after: timedelta = timedelta(),
    *,
    tries: Tries | None = None,
    same_provider: bool = False,
    ends_dead: bool = False,
) -> Callable[[str], TryLater]:
    """Certainly not accepted; another attempt makes sense."""
    return lambda reason: TryLater(
        reason=reason, after=after, tries=tries, same_provider=same_provider, ends_dead=ends_dead
    )


def dead(as_reason: str | None = None, *, suppress: Suppress | None = None) -> Callable[[str], Dead]:
    """Another attempt would end the same way."""
    return lambda reason: Dead(reason=as_reason or reason, suppress=suppress)


def elsewhere(otherwise: Callable[[str], TryLater | Dead]) -> Callable[[str], OtherProvider]:
    """Another provider may see it differently."""
    return lambda reason: OtherProvider(reason=reason, otherwise=otherwise(reason))


def pause(reason: str) -> Pause:
    """The letter has no part in it."""
    return Pause(reason=reason)


SESSION = frozenset({Phase.CONNECT, Phase.TLS, Phase.EHLO, Phase.AUTH})
"""Before MAIL all is between the server and us: it says nothing about the letter, whatever its code."""
MAIL = frozenset({Phase.MAIL})
RCPT = frozenset({Phase.RCPT})
CONTENT = frozenset({Phase.DATA, Phase.DOT})
FROM_RCPT = RCPT | CONTENT


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
        phrase: what they must say; None for anything.
    """

    verdict: Judgement
    concern: Concern = Concern.NONE
    alarm: bool = False
    phases: frozenset[Phase] = frozenset()
    codes: frozenset[int] | range = frozenset()
    enhanced: tuple[str, ...] = ()
    temporary: bool | None = None
    phrase: Phrase | None = None
    _pattern: re.Pattern[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pattern", self.phrase and _pattern_of(self.phrase))

    def fits(self, phase: Phase, reply: Reply, phrases: str) -> bool:
        """Tells whether a reply belongs to this row.

        Args:
            phase: when it was given.
            reply: what the server said.
            phrases: the reply's, the same for every row.
        """
        return (
            (not self.phases or phase in self.phases)
            and (not self.codes or reply.code in self.codes)
            and (not self.enhanced or _matches(reply.enhanced or "", self.enhanced))
            and (self.temporary is None or self.temporary == reply.temporary)
            and (self._pattern is None or self._pattern.search(phrases) is not None)
        )

    def meaning(self, reply: Reply) -> Meaning:
        """Returns what a reply of this row means."""
        return Meaning(verdict=self.verdict(reply.token), concern=self.concern, alarm=self.alarm)


def _pattern_of(phrase: Phrase) -> re.Pattern[str]:
    parts = [rf"(?<![a-z]){re.escape(part)}" for part in phrase.words.split(" … ")]
    unless = rf"(?!.*{re.escape(phrase.unless)})" if phrase.unless else ""
    return re.compile(rf"^{unless}.*?{'.*?'.join(parts)}")


def _matches(code: str, patterns: tuple[str, ...]) -> bool:
    return any(code.startswith(p) if p.endswith(".") else code == p for p in patterns)


AWAY = elsewhere(later(MINUTE))
IF_WE_MAY = elsewhere(later(MINUTE, tries=WHILE_NOT_SET_UP))
"""Unless too often: one domain may be wrong about us."""

BY_WORDS: Mapping[Says, tuple[ReplyRow, ...]] = MappingProxyType(
    {
        Says.QUOTA: (ReplyRow(verdict=pause, concern=Concern.QUOTA, alarm=True),),
        Says.ACCOUNT: (ReplyRow(verdict=pause, concern=Concern.ACCOUNT, alarm=True, temporary=False),),
        Says.SET_UP: (
            ReplyRow(phases=MAIL, temporary=False, verdict=pause, concern=Concern.ACCOUNT, alarm=True),
            ReplyRow(temporary=False, verdict=IF_WE_MAY, concern=Concern.SET_UP, alarm=True),
            ReplyRow(temporary=True, verdict=AWAY, concern=Concern.SET_UP, alarm=True),
        ),
        Says.PROVIDER_BUSY: (ReplyRow(verdict=AWAY, concern=Concern.PROVIDER),),
        Says.RECIPIENT_BUSY: (
            ReplyRow(phases=FROM_RCPT, verdict=later(GREYLISTED), concern=Concern.RECIPIENT),
        ),
        Says.BUSY: (
            ReplyRow(phases=MAIL, verdict=AWAY, concern=Concern.PROVIDER),
            ReplyRow(verdict=later(GREYLISTED), concern=Concern.DOMAIN),
        ),
        Says.GREYLISTED: (ReplyRow(verdict=later(GREYLISTED, same_provider=True)),),
        Says.MOMENT: (
            ReplyRow(phases=MAIL, temporary=False, verdict=AWAY, concern=Concern.PROVIDER),
            ReplyRow(temporary=False, verdict=later(GREYLISTED, tries=WHILE_IT_MAY_PASS)),
        ),
        Says.REPUTATION: (
            ReplyRow(phases=MAIL, enhanced=("5.7.",), verdict=elsewhere(dead()), alarm=True),
            ReplyRow(phases=FROM_RCPT, temporary=False, verdict=elsewhere(dead()), alarm=True),
        ),
        Says.POLICY: (ReplyRow(phases=FROM_RCPT, temporary=False, verdict=elsewhere(dead())),),
        Says.TOO_LARGE: (ReplyRow(temporary=False, verdict=dead(), alarm=True),),
        Says.FULL: (
            ReplyRow(phases=FROM_RCPT, temporary=False, verdict=dead(suppress=FULL_MAILBOX)),
            ReplyRow(
                phases=FROM_RCPT,
                temporary=True,
                verdict=later(FULL, tries=WHILE_FULL, ends_dead=True),
            ),
        ),
        Says.NO_MAILBOX: (ReplyRow(phases=FROM_RCPT, temporary=False, verdict=dead(suppress=NO_MAILBOX)),),
        Says.NO_MAILBOX_NOW: (ReplyRow(phases=RCPT, temporary=False, verdict=dead(suppress=NO_MAILBOX_NOW)),),
        Says.NO_MAIL_IN_DOMAIN: (
            ReplyRow(phases=FROM_RCPT, temporary=False, verdict=dead(suppress=NO_MAIL_IN_DOMAIN)),
        ),
    }
)
"""What a phrase means, whoever says it."""


def rows_of(phrases: Iterable[Phrase]) -> tuple[ReplyRow, ...]:
    """Returns the rows of phrases, in their order."""
    return tuple(
        replace(row, phrase=phrase, enhanced=row.enhanced or phrase.beside)
        for phrase in phrases
        for row in BY_WORDS[phrase.says]
    )
