"""Which passwords are accepted: long enough and not the first thing anybody would guess; no rules of composition.

NIST SP 800-63B-4 section 3.1.1.2 and OWASP ASVS 5.0 6.2: length, any Unicode, a blocklist, words of the context.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from auth_service.domain.address import Address

MIN_LENGTH: Final = 15
"""Code points; NIST SP 800-63B-4 for a password that is the only factor."""

MAX_LENGTH: Final = 256
"""Code points; a longer one is refused, never cut."""

_OWN_WORDS = ("postern",)
_MIN_REST = 8  # characters that must remain when everything guessable is taken out
_MIN_WORD = 4  # shorter words of an address are in every sentence
_MAX_UNIT = 4  # "abcabcabcabcabc" is three letters, not fifteen


class PasswordFlaw(StrEnum):
    """Why a password is refused."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    GUESSABLE = "guessable"
    """Common, repetitive, or made of the address's or the product's own words."""


def normalized(password: str) -> str:
    """Returns the form that is counted and hashed: NFC, so that every keyboard's é is the same."""
    return unicodedata.normalize("NFC", password)


def find_flaw(password: str, address: Address | None) -> PasswordFlaw | None:
    """Says why this password is refused for this address, or None; depends on nothing else."""
    password = normalized(password)
    if len(password) < MIN_LENGTH:
        return PasswordFlaw.TOO_SHORT
    if len(password) > MAX_LENGTH:
        return PasswordFlaw.TOO_LONG
    folded = password.casefold()
    if _is_repetition(folded) or len(_without(folded, [*_words_of(address), *_common_words()])) < _MIN_REST:
        return PasswordFlaw.GUESSABLE
    return None


def _is_repetition(text: str) -> bool:
    return any((text[:unit] * len(text))[: len(text)] == text for unit in range(1, _MAX_UNIT + 1))


def _words_of(address: Address | None) -> set[str]:
    texts = {address.canonical, address.typed.casefold()} if address else set()
    parts = texts | {part for text in texts for part in text.split("@")}
    words = {word for part in parts for word in "".join(c if c.isalnum() else " " for c in part).split()}
    return {word for word in parts | words | {*_OWN_WORDS} if len(word) >= _MIN_WORD}


def _without(text: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text


@cache
def _common_words() -> tuple[str, ...]:
    """The building blocks of leaked passwords: with one of them taken out, little is left of a common password."""
    listing = files("auth_service.domain").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return tuple(line for line in listing.splitlines() if line and not line.startswith("#"))
