"""The list of dead letters: groups, or one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from mailer_service.console.escaping import harmless
from mailer_service.console.moments import ago, iso, stamp
from mailer_service.console.table import columns
from mailer_service.deadletters.groups import Group
from mailer_service.deadletters.obituary import Obituary

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


def each_data(obituary: Obituary) -> dict[str, Any]:
    """Returns one dead letter for programs, without what is in it."""
    return {
        "id": obituary.id,
        "reason": obituary.reason,
        "reason_is_derived": obituary.derived,
        "class": obituary.letter_class,
        "letter": obituary.letter,
        "attempts": obituary.attempts,
        "first_seen": iso(obituary.first_seen),
        "died_at": iso(obituary.died_at),
        "last_reply": obituary.reply,
        "bytes": obituary.message.size,
    }


def each_text(obituaries: Sequence[Obituary]) -> Iterator[str]:
    """Yields one line a letter."""
    yield from columns(
        [
            _EACH_HEAD,
            *(
                (
                    obituary.id,
                    harmless(obituary.reason, at_most=60),
                    obituary.letter_class,
                    harmless(obituary.letter or "-", at_most=40),
                    "?" if obituary.attempts is None else str(obituary.attempts),
                    stamp(obituary.died_at),
                    harmless(obituary.reply or "-", at_most=80),
                )
                for obituary in obituaries
            ),
        ]
    )
