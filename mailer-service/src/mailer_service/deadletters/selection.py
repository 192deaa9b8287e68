"""Which dead letters a command is about, and what it came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mailer_service.deadletters.decision import Done
from mailer_service.deadletters.info import DeadLetterInfo
from mailer_service.deadletters.message import UNCONFIRMED

_NAMED_AT_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a dead letter must be; everything given must hold, nothing given is all of them.

    Attributes:
        ids: one of these, in full or by its first characters.
        reasons: one of these.
        letters: one of these.
        limit: of those no more than so many, the oldest first.
    """

    ids: tuple[str, ...] = ()
    reasons: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    limit: int | None = None

    def takes(self, info: DeadLetterInfo) -> bool:
        """Says whether this one is meant; the limit is for whoever counts."""
        return (
            (not self.ids or any(info.id.startswith(known) for known in self.ids))
            and (not self.reasons or info.reason in self.reasons)
            and (not self.letters or info.letter in self.letters)
        )


@dataclass(slots=True, kw_only=True)
class Summary:
    """The counts of one run.

    Attributes:
        looked_at: dead letters seen, selected or not.
        matched: those that were meant.
        done: by what was done.
        kept: by the reason they stayed for.
        named: the first of those that stayed: id and reason.
        unconfirmed: those that stayed because a mail server may have them, each as `DeadLetterInfo.key`.
        interrupted: whether somebody stopped it half-way.
    """

    looked_at: int = 0
    matched: int = 0
    done: Counter[Done] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str]] = field(default_factory=list)
    unconfirmed: set[tuple[str, str]] = field(default_factory=set)
    interrupted: bool = False

    def keep(self, info: DeadLetterInfo, reason: str) -> None:
        """Counts one that stays."""
        self.kept[reason] += 1
        if reason == UNCONFIRMED:
            self.unconfirmed.add(info.key)
        if len(self.named) < _NAMED_AT_MOST:
            self.named.append((info.id, reason))
