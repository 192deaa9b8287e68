"""The list of dead letters: groups, or one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mailer_service.cli.text import ago, columns, harmless, iso, stamp
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


_GROUP_HEAD = ("count", "reason", "class", "age", "letters", "oldest", "newest", "last reply")
_EACH_HEAD = ("id", "reason", "class", "letter", "attempts", "died", "last reply")


def group_data(group: Group) -> dict[str, Any]:
    """Returns a group for programs."""
    return {
        "count": group.count,
        "reason": group.reason,
        "class": group.letter_class,
        "age": group.age.value,
        "letters": {letter: count for letter, count in group.letters.items() if letter},
        "oldest": iso(group.oldest),
        "newest": iso(group.newest),
        "last_reply": group.reply,
    }


def group_text(groups: Sequence[Group], *, now: datetime) -> Iterator[str]:
    """Yields a table of groups, the largest first."""
    yield from columns(
        [
            _GROUP_HEAD,
            *(
                (
                    str(group.count),
                    harmless(group.reason, at_most=60),
                    group.letter_class,
                    group.age.value,
                    harmless(", ".join(sorted(filter(None, group.letters))) or "-", at_most=60),
                    ago(group.oldest, now=now),
                    ago(group.newest, now=now),
                    harmless(group.reply or "-", at_most=80),
                )
                for group in groups
            ),
        ]
    )


def each_data(info: DeadLetterInfo) -> dict[str, Any]:
    """Returns one dead letter for programs, without what is in it."""
    return {
        "id": info.id,
        "reason": info.reason,
        "reason_is_derived": info.derived,
        "class": info.letter_class,
        "letter": info.letter,
        "attempts": info.attempts,
        "first_seen": iso(info.first_seen),
        "died_at": iso(info.died_at),
        "last_reply": info.reply,
        "bytes": info.message.size,
    }


def each_text(infos: Sequence[DeadLetterInfo]) -> Iterator[str]:
    """Yields one line a letter."""
    yield from columns(
        [
            _EACH_HEAD,
            *(
                (
                    info.id,
                    harmless(info.reason, at_most=60),
                    info.letter_class,
                    harmless(info.letter or "-", at_most=40),
                    "?" if info.attempts is None else str(info.attempts),
                    stamp(info.died_at),
                    harmless(info.reply or "-", at_most=80),
                )
                for info in infos
            ),
        ]
    )
