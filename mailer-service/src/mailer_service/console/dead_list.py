"""The list of dead letters: groups, or one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from mailer_service.console.escaping import harmless
from mailer_service.console.table import columns
from mailer_service.console.times import ago, iso, stamp
from mailer_service.deadletters.groups import Group
from mailer_service.deadletters.info import DeadLetterInfo

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
