"""How many guesses a password takes, by zxcvbn's lists and patterns, at a bounded cost.

zxcvbn's own function is not called: it keeps the words of one caller in a global, which another thread would read; it looks
into six dictionaries where one does, and takes seconds for 200 characters that look like substitutions. Its matchers and its
scoring are.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from math import prod
from typing import Any, Final

from zxcvbn import matching, scoring

ENOUGH_GUESSES: Final = 10**8
"""What zxcvbn calls a score of 3: safely unguessable offline with a slow hash."""

SEEN: Final = 20
"""Characters at either end that are looked at: 1.5 ms of a core for a usual password; of all 256 it would be seconds. Where both ends are weak the whole is refused; of a repetition only what is repeated counts."""

_MOST_SUBSTITUTIONS: Final = 16
_SYMBOLS: Final = str.maketrans("@({[<!|$+%", "accccilstx")


class Weakness(StrEnum):
    """What makes a password easy to guess."""

    COMMON = "common"
    REPEAT = "repeat"
    SEQUENCE = "sequence"
    KEYBOARD = "keyboard"
    DATE = "date"
    OWN_WORDS = "own_words"
    SHORT = "short"
    """Too little is left beside what anybody would guess."""


_BY_PATTERN: Final = {
    "dictionary": Weakness.COMMON,
    "repeat": Weakness.REPEAT,
    "sequence": Weakness.SEQUENCE,
    "spatial": Weakness.KEYBOARD,
    "regex": Weakness.DATE,
    "date": Weakness.DATE,
}


def find_weakness(text: str) -> Weakness | None:
    """Returns what an attacker would try, or None where that takes `ENOUGH_GUESSES`."""
    unit = _unit(text)
    ends = [unit] if len(unit) <= SEEN else [unit[:SEEN], unit[-SEEN:]]
    found = None if unit == text else Weakness.REPEAT
    for end in ends:
        result = _estimate(end)
        if result["guesses"] >= ENOUGH_GUESSES:
            return None
        found = found or _longest(result["sequence"])
    return found


def prepare() -> None:
    """Builds the dictionary, so that no request has to."""
    _common_words()


def _unit(text: str) -> str:
    """Returns what a text repeats, the last time perhaps not to its end; the text itself if it repeats nothing."""
    sizes = (size for size in range(1, len(text) * 2 // 3 + 1) if text[size:] == text[:-size])
    return text[: next(sizes, len(text))]


def _estimate(text: str) -> dict[str, Any]:
    if not text:
        return {"guesses": 1, "sequence": []}
    table = matching.L33T_TABLE.values()
    # Each letter that is written in several ways multiplies the work.
    if prod(max(1, sum(sub in text for sub in subs)) for subs in table) > _MOST_SUBSTITUTIONS:
        text = text.translate(_SYMBOLS)
    matches = matching.omnimatch(text, {"common": _common_words()})
    result: dict[str, Any] = scoring.most_guessable_match_sequence(text, matches)
    return result


def _longest(sequence: list[dict[str, Any]]) -> Weakness:
    longest = max(sequence, key=lambda match: len(match["token"]), default={"pattern": ""})
    return _BY_PATTERN.get(longest["pattern"], Weakness.SHORT)


@cache
def _common_words() -> dict[str, int]:
    """Every word of zxcvbn's lists with its best rank; it would take the best of all lists anyway."""
    best: dict[str, int] = {}
    for ranked in matching.RANKED_DICTIONARIES.values():
        for word, rank in ranked.items():
            best[word] = min(rank, best.get(word, rank))
    return best
