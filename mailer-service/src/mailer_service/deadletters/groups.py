"""Dead letters counted by reason, class and age: what an operator looks at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mailer_service.deadletters.info import DeadLetterInfo


class Age(StrEnum):
    """How long ago a letter died."""

    HOUR = "under an hour"
    DAY = "under a day"
    WEEK = "under a week"
    OLDER = "a week or more"
    UNKNOWN = "unknown"

    @classmethod
    def at(cls, died_at: datetime | None, *, now: datetime) -> Age:
        """Returns the age of a letter that died at that time."""
        if died_at is None:
            return cls.UNKNOWN
        gone = now - died_at
        bounds = ((timedelta(hours=1), cls.HOUR), (timedelta(days=1), cls.DAY), (timedelta(days=7), cls.WEEK))
        return next((age for bound, age in bounds if gone < bound), cls.OLDER)


@dataclass(slots=True, kw_only=True)
class Group:
    """Dead letters that have reason, class and age in common.

    Attributes:
        letters: how many of each letter; of what is no letter under the empty name.
        reply: the last words of the one that died last.
        oldest, newest: when the first and the last of them died.
    """

    reason: str
    letter_class: str
    age: Age
    letters: dict[str, int]
    reply: str | None = None
    oldest: datetime | None = None
    newest: datetime | None = None

    @property
    def count(self) -> int:
        """How many they are."""
        return sum(self.letters.values())

    def add(self, info: DeadLetterInfo) -> None:
        """Counts one more."""
        letter = info.letter or ""
        self.letters[letter] = self.letters.get(letter, 0) + 1
        died_at = info.died_at
        if died_at is not None and (self.newest is None or died_at >= self.newest):
            self.newest = died_at
            self.reply = info.reply or self.reply
        if died_at is not None and (self.oldest is None or died_at < self.oldest):
            self.oldest = died_at


def grouped(infos: Iterable[DeadLetterInfo], *, now: datetime) -> list[Group]:
    """Returns the groups, the largest first; keeps nothing but the counts."""
    groups: dict[tuple[str, str, Age], Group] = {}
    for info in infos:
        age = Age.at(info.died_at, now=now)
        key = (info.reason, info.letter_class, age)
        if key not in groups:
            groups[key] = Group(reason=info.reason, letter_class=info.letter_class, age=age, letters={})
        groups[key].add(info)
    return sorted(groups.values(), key=lambda group: (-group.count, group.reason, group.letter_class))
