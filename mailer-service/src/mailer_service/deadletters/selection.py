"""Which letters a command is about: one predicate for dead, waiting and held ones; and what a run over them came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from mailer_service.deadletters.decision import Decision, Done, Keep
from mailer_service.deadletters.info import LetterInfo
from mailer_service.deadletters.message import UNCONFIRMED

_NAMED_AT_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a letter must be; everything given must hold, nothing given is all of them.

    Attributes:
        ids: one of these, in full or by its first characters.
        reasons: one of these.
        letters: one of these.
        classes: one of these.
        providers: it was with one of these last, `host:port`.
        domains: its recipient's domain is one of these, by tag.
        older: dead for longer; or on its way for longer, if it waits.
        limit: of those no more than so many, the oldest first.
    """

    ids: tuple[str, ...] = ()
    reasons: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    older: timedelta | None = None
    limit: int | None = None

    def takes(self, info: LetterInfo) -> bool:
        """Says whether this one is meant; the limit is for whoever counts."""
        return (
            (not self.ids or any(info.id.startswith(known) for known in self.ids))
            and (not self.reasons or info.reason in self.reasons)
            and (not self.letters or info.letter in self.letters)
            and (not self.classes or info.letter_class in self.classes)
            and (not self.providers or info.provider in self.providers)
            and (not self.domains or info.domain in self.domains)
            and (self.older is None or _older(info.since, self.older))
        )


def _older(since: datetime | None, age: timedelta) -> bool:
    return since is not None and datetime.now(UTC) - since >= age


@dataclass(slots=True, kw_only=True)
class Summary:
    """The counts of one run.

    Attributes:
        looked_at: letters seen, selected or not.
        matched: those that were meant.
        done: by what was done.
        kept: by the reason they stayed for.
        named: the first of those that stayed: id and reason.
        first: what to do before they can be sent, and for how many: token and what it is about.
        unconfirmed: those that stayed because a mail server may have them, each as `LetterInfo.key`.
        interrupted: whether somebody stopped it half-way.
    """

    looked_at: int = 0
    matched: int = 0
    done: Counter[Done] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str]] = field(default_factory=list)
    first: Counter[tuple[str, str]] = field(default_factory=Counter)
    unconfirmed: set[tuple[str, str]] = field(default_factory=set)
    interrupted: bool = False

    def decided(self, decision: Decision) -> None:
        """Counts what is to be done first; and one that stays."""
        if decision.first is not None:
            self.first[decision.first] += 1
        if isinstance(decision.action, Keep):
            self.keep(decision.info, decision.action.reason)

    def keep(self, info: LetterInfo, reason: str) -> None:
        """Counts one that stays."""
        self.kept[reason] += 1
        if reason == UNCONFIRMED:
            self.unconfirmed.add(info.key)
        if len(self.named) < _NAMED_AT_MOST:
            self.named.append((info.id, reason))


def letter_id_of(info: LetterInfo) -> UUID | None:
    """Returns the letter's id, if the message has one."""
    try:
        return UUID(info.id)
    except ValueError:
        return None
