"""One row of the reply table: which replies it is about, and what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mailer_service.delivery.outcome import Concern, Meaning
from mailer_service.delivery.transmission import Phase
from mailer_service.smtp.judgements import Judgement
from mailer_service.smtp.phrases import Phrase
from mailer_service.smtp.reply import Reply

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
