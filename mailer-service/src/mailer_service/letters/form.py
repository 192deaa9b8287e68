"""A letter's form: what its templates write, with gaps where one letter differs from the next.

A letter is mostly the same words again, and to render them again takes many times as long as to fill gaps. A template may
write a gap, cut it, pass it through the filters of letters, and ask whether it is there. Nothing else has a meaning, and
most of it raises TypeError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, NoReturn

from markupsafe import escape

from mailer_service.letters.one_line import one_line

Fields = Mapping[str, str]
_MARK = re.compile("\0([0-9]+)\0")
"""No value has a NUL in it: `one_line` takes it away."""


class Gap:
    """Stands in a form for a value that is not empty."""

    __hash__ = None  # type: ignore[assignment] # nothing may depend on a value that is not there yet

    def __init__(self, value: Callable[[Fields], str], written: list[Callable[[Fields], str]]) -> None:
        """Takes what belongs into it, and the list to which each place is added where it is written."""
        self._value = value
        self._written = written

    def changed(self, change: Callable[[str], str]) -> Gap:
        """Returns the gap for what the change makes of the value."""
        return Gap(lambda fields: change(self._value(fields)), self._written)

    def __getitem__(self, cut: slice) -> Gap:
        return self.changed(lambda value: value[cut])

    def __str__(self) -> str:
        return self._mark(lambda fields: one_line(self._value(fields)))

    def __html__(self) -> str:
        return self._mark(lambda fields: escape(one_line(self._value(fields))))

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a template may not compare a value")

    def _mark(self, words: Callable[[Fields], str]) -> str:
        self._written.append(words)
        return f"\0{len(self._written) - 1}\0"


def for_gaps_too(change: Callable[..., str]) -> Callable[..., Any]:
    """Returns the filter so that it waits for the value where it is given a gap."""

    @wraps(change)
    def changed(value: str | Gap, *how: str) -> str | Gap:
        return (
            value.changed(lambda found: change(found, *how))
            if isinstance(value, Gap)
            else change(value, *how)
        )

    return changed


class Form:
    """The parts of a letter, to be filled in for each reader.

    Args:
        write: renders the parts, given the fields; those that are not empty as gaps.
        fields: which there are; only which of them are empty matters.
    """

    def __init__(self, write: Callable[[Mapping[str, str | Gap]], Sequence[str]], fields: Fields) -> None:
        written: list[Callable[[Fields], str]] = []
        gaps = {name: _gap(name, written) if value else value for name, value in fields.items()}
        parts = [_MARK.split(part) for part in write(gaps)]
        self._parts = [
            [written[int(piece)] if place % 2 else piece for place, piece in enumerate(part)]
            for part in parts
        ]

    def filled(self, fields: Fields) -> list[str]:
        """Returns the parts for these fields; the same ones must be empty."""
        return [
            "".join(piece if isinstance(piece, str) else piece(fields) for piece in part)
            for part in self._parts
        ]


def _gap(name: str, written: list[Callable[[Fields], str]]) -> Gap:
    return Gap(lambda fields: fields[name], written)
