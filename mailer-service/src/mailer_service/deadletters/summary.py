"""What a redrive or a drop came to, as counts and as the names of those that stayed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from mailer_service.deadletters.headers import UNCONFIRMED
from mailer_service.deadletters.info import DeadLetterInfo

_NAMED_AT_MOST = 100


class Done(StrEnum):
    """What was done with a dead letter."""

    REDRIVEN = "redriven"
    RENEWED = "expired"
    SENT_BEFORE = "sent_before"
    WITHDRAWN = "withdrawn"
    SUPPRESSED = "suppressed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One that stayed."""

    id: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Summary:
    """The counts of one run.

    Attributes:
        looked_at: dead letters seen, selected or not.
        matched: those that were meant.
        done: by what was done.
        kept: by the reason they stayed for.
        named: the first of those that stayed.
        unconfirmed: those that stayed because a mail server may have them, each as `DeadLetterInfo.key`.
        interrupted: whether somebody stopped it half-way.
    """

    looked_at: int = 0
    matched: int = 0
    done: Counter[Done] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    named: list[Kept] = field(default_factory=list)
    unconfirmed: set[tuple[str, str]] = field(default_factory=set)
    interrupted: bool = False

    def keep(self, info: DeadLetterInfo, reason: str) -> None:
        """Counts one that stays."""
        self.kept[reason] += 1
        if reason == UNCONFIRMED:
            self.unconfirmed.add(info.key)
        if len(self.named) < _NAMED_AT_MOST:
            self.named.append(Kept(id=info.id, reason=reason))
