"""Which passwords are accepted: long enough and not the first thing anybody would guess; no rules of composition.

NIST SP 800-63B-4 section 3.1.1.2 and OWASP ASVS 5.0 6.2: length, any Unicode, common passwords, words of the context.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from auth_service.domain.address import Address
from auth_service.domain.guessing import Weakness, find_weakness

MIN_LENGTH: Final = 15
"""Code points; NIST SP 800-63B-4 for a password that is the only factor."""

MAX_LENGTH: Final = 256
"""Code points; a longer one is refused, never cut."""

_OWN_WORDS = ("postern",)
_MIN_WORD = 4  # shorter words of an address are in every sentence

_KNOWN_PHRASES = re.compile(
    "|".join(
        r"[\W_]*".join(phrase.split())
        for phrase in (
            "correct horse battery staple",
            "the quick brown fox jumps over the lazy dog",
            "to be or not to be",
            "may the force be with you",
            "open sesame",
            "let me in",
        )
    )
)
"""What every article about long passwords quotes; no list of leaked ones has them, for those are short."""


class WrongLength(StrEnum):
    """Why a password is refused before anybody thinks about it."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"


def normalized(password: str) -> str:
    """Returns the form that is counted and hashed: NFC, so that every keyboard's é is the same."""
    return unicodedata.normalize("NFC", password)


def find_wrong_length(password: str) -> WrongLength | None:
    """Says what is wrong with a password's length, if anything is."""
    length = len(normalized(password))
    if length < MIN_LENGTH:
        return WrongLength.TOO_SHORT
    return WrongLength.TOO_LONG if length > MAX_LENGTH else None


def find_reason(password: str, address: Address | None) -> Weakness | None:
    """Says why a password is easy to guess for somebody who knows the address, or None.

    Takes milliseconds of a core, up to 15 (`domain/guessing.py`): for requests that a limit has admitted. What is the address's, the product's or a known phrase counts for nothing.
    """
    folded = normalized(password).casefold()
    rest = _KNOWN_PHRASES.sub("", _without(folded, _words_of(address)))
    weakness = find_weakness(rest)
    if weakness is None or rest == folded:
        return weakness
    return Weakness.OWN_WORDS if _KNOWN_PHRASES.sub("", folded) == folded else Weakness.COMMON


def _words_of(address: Address | None) -> set[str]:
    texts = {address.canonical, address.typed.casefold()} if address else set()
    parts = texts | {part for text in texts for part in text.split("@")}
    words = {word for part in parts for word in "".join(c if c.isalnum() else " " for c in part).split()}
    return {word for word in parts | words | {*_OWN_WORDS} if len(word) >= _MIN_WORD}


def _without(text: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text
