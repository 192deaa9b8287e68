"""What a page says about an error, in its language: a sentence for the whole form, or one beside a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from auth_service.http.problems import Problem

_MINUTE: Final = 60
_HOUR: Final = 3600
_LONG: Final = 100
"""Up to so many of a unit are said in it: "90 seconds", but "2 minutes"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a form comes back.

    Attributes:
        notice: about all of it; empty where fields are to blame.
        flaws: by field.
    """

    notice: str = ""
    flaws: Mapping[str, str] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The field that has the focus; empty for the notice."""
        return next(iter(self.flaws), "")


def describe(
    problem: Problem, texts: Mapping[str, Any], *, of: str = "", fields: Mapping[str, str]
) -> Trouble:
    """Returns what a page says about a problem.

    Args:
        problem: that a flow or a check answered with.
        texts: of the page's language.
        of: the page's section in `texts`, whose `problems` come before those of all pages.
        fields: which field of the form each member of a body, or each code of a problem, is typed in.
    """
    flaws = {fields[name]: text for name, text in reversed(_flaws_in(problem, texts)) if name in fields}
    if flaws:
        return Trouble(flaws={name: flaws[name] for name in fields.values() if name in flaws})
    said = sentence(problem, texts, of=of)
    blamed = fields.get(problem.code)
    return Trouble(notice=said) if blamed is None else Trouble(flaws={blamed: said})


def sentence(problem: Problem, texts: Mapping[str, Any], *, of: str = "") -> str:
    """Returns one sentence about a problem."""
    known: Mapping[str, str] = texts["problems"]
    if problem.status is HTTPStatus.TOO_MANY_REQUESTS:
        seconds = int(problem.headers.get("Retry-After", _MINUTE))
        return known["too_many"].replace("{wait}", duration(seconds, texts))
    own: Mapping[str, str] = texts[of].get("problems", {}) if of else {}
    default = known["internal_error" if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "other"]
    return own.get(problem.code) or known.get(problem.code, default)


def duration(seconds: int, texts: Mapping[str, Any]) -> str:
    """Returns a time in words, in the largest unit that is not too coarse."""
    if seconds < _LONG:
        unit, size = "second", 1
    elif seconds < _LONG * _MINUTE:
        unit, size = "minute", _MINUTE
    else:
        unit, size = "hour", _HOUR
    count = ceil(seconds / size)
    text: str = texts["units"][unit if count == 1 else f"{unit}s"]
    return text.replace("{count}", str(count))


def _flaws_in(problem: Problem, texts: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = ((flaw.pointer.removeprefix("#/"), flaw) for flaw in problem.flaws)
    return [(name, _flaw(name, flaw.code, flaw.params, texts)) for name, flaw in named]


def _flaw(name: str, code: str, params: Mapping[str, Any], texts: Mapping[str, Any]) -> str:
    known: Mapping[str, str] = texts["flaws"]
    text = known.get(f"{code}_{name}") or known.get(code, known["other"])
    for blank, value in params.items():
        text = text.replace(f"{{{blank}}}", str(value))
    advice: str = texts["advice"].get(params.get("reason"), "")
    return f"{text} {advice}".rstrip()
