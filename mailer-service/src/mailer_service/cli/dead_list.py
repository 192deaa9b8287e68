"""The list of dead or waiting letters: groups, or one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mailer_service.cli.text import ago, columns, harmless, iso, stamp
from mailer_service.deadletters.info import LetterInfo


class Age(StrEnum):
    """How long ago a letter died; of a waiting one, was asked for."""

    HOUR = "under an hour"
    DAY = "under a day"
    WEEK = "under a week"
    OLDER = "a week or more"
    UNKNOWN = "unknown"

    @classmethod
    def at(cls, since: datetime | None, *, now: datetime) -> Age:
        """Returns the age of a letter that died, or was asked for, at that time."""
        if since is None:
            return cls.UNKNOWN
        gone = now - since
        bounds = ((timedelta(hours=1), cls.HOUR), (timedelta(days=1), cls.DAY), (timedelta(days=7), cls.WEEK))
        return next((age for bound, age in bounds if gone < bound), cls.OLDER)


@dataclass(slots=True, kw_only=True)
class Group:
    """Letters that have reason, class and age in common.

    Attributes:
        letters: how many of each letter; of what is no letter under the empty name.
        reply: the last words about the newest.
        oldest, newest: when the first and the last of them died, or were asked for.
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

    def add(self, info: LetterInfo) -> None:
        """Counts one more."""
        letter = info.letter or ""
        self.letters[letter] = self.letters.get(letter, 0) + 1
        since = info.since
        if since is not None and (self.newest is None or since >= self.newest):
            self.newest = since
            self.reply = info.reply or self.reply
        if since is not None and (self.oldest is None or since < self.oldest):
            self.oldest = since


def grouped(infos: Iterable[LetterInfo], *, now: datetime) -> list[Group]:
    """Returns the groups, the largest first; keeps nothing but the counts."""
    groups: dict[tuple[str, str, Age], Group] = {}
    for info in infos:
        age = Age.at(info.since, now=now)
        key = (info.reason, info.letter_class, age)
        if key not in groups:
            groups[key] = Group(reason=info.reason, letter_class=info.letter_class, age=age, letters={})
        groups[key].add(info)
    return sorted(groups.values(), key=lambda group: (-group.count, group.reason, group.letter_class))


_GROUP_HEAD = ("count", "reason", "class", "age", "letters", "oldest", "newest", "last reply")
_EACH_HEAD = ("id", "reason", "class", "letter", "attempts", "since", "last reply")


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


def each_data(info: LetterInfo) -> dict[str, Any]:
    """Returns one letter for programs, without what is in it."""
    return {
        "id": info.id,
        "reason": info.reason,
        "reason_is_derived": info.derived,
        "class": info.letter_class,
        "letter": info.letter,
        "attempts": info.attempts,
        "provider": info.provider,
        "recipient": info.recipient,
        "domain": info.domain,
        "created_at": iso(info.created_at),
        "first_seen": iso(info.first_seen),
        "died_at": iso(info.died_at),
        "last_reply": info.reply,
        "bytes": info.message.size,
    }


def each_text(infos: Sequence[LetterInfo]) -> Iterator[str]:
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
                    stamp(info.since),
                    harmless(info.reply or "-", at_most=80),
                )
                for info in infos
            ),
        ]
    )
