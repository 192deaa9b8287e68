"""What can be wrong with a field, in the words of docs/errors.md, whoever found it: pydantic, or a rule of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NoReturn, assert_never

from pydantic import ValidationError

from auth_service.domain.address import Address
from auth_service.domain.guessing import Weakness
from auth_service.domain.password_policy import (
    MAX_LENGTH,
    MIN_LENGTH,
    WrongLength,
    find_reason,
    find_wrong_length,
)
from auth_service.http.problems import Flaw

DETAILS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "This field is required.",
        "unknown": "There is no such field.",
        "type": "This has another JSON type than it must have.",
        "format": "This isn't valid.",
        "choice": "Use one of: {expected}.",
        "too_long": "Use at most {max} characters.",
        "too_short": "Use at least {min} characters.",
        "invalid_address": "Enter a valid email address.",
        "guessable": "This password is too easy to guess.",
        "breached": "This password has appeared in a data breach. Choose one that you use nowhere else.",
        "secret_or_email": "Send either `registration_secret` or `email`, not both.",
        "secret_or_password": "Send either `registration_secret` or `password`, not both.",
        "token_or_code": "Send either `token`, or `email` and `code`, not both.",
    }
)
"""Every code a flaw may have, and its sentence; braces stand for its params."""

ADVICE: Final[Mapping[Weakness, str]] = MappingProxyType(
    {
        Weakness.COMMON: "It is made of common passwords or words. Add another word or two; uncommon words are better.",
        Weakness.REPEAT: "Avoid repeated words and characters.",
        Weakness.SEQUENCE: "Avoid sequences like abc or 6543.",
        Weakness.KEYBOARD: "Avoid patterns on the keyboard.",
        Weakness.DATE: "Avoid dates and years.",
        Weakness.OWN_WORDS: "Avoid your email address and our name.",
        Weakness.SHORT: "Add another word or two; uncommon words are better.",
    }
)
"""What follows in the sentence of `guessable`, by its `reason`."""

_OF_PYDANTIC: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = MappingProxyType(
    {
        "missing": ("missing", {}),
        "extra_forbidden": ("unknown", {}),
        "string_too_long": ("too_long", {"max_length": "max"}),
        "string_too_short": ("too_short", {"min_length": "min"}),
        "literal_error": ("choice", {"expected": "expected"}),
        "enum": ("choice", {"expected": "expected"}),
    }
)


def flaw(pointer: str, code: str, **params: Any) -> Flaw:
    """Returns what is wrong with a field; `code` is one of `DETAILS`."""
    detail = DETAILS[code].format(**params)
    if code == "guessable":
        detail = f"{detail} {ADVICE[params['reason']]}"
    return Flaw(pointer=pointer, code=code, detail=detail, params=params)


class FieldRefused(ValueError):
    """Ends a validator of a schema: the field has this flaw, and the others are looked at nevertheless."""

    def __init__(self, code: str, params: Mapping[str, Any]) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def refuse(code: str, **params: Any) -> NoReturn:
    """Ends a validator of a schema; `code` is one of `DETAILS`."""
    raise FieldRefused(code, params)


def check_length(password: str) -> None:
    """Ends a validator of a schema where a password is too short or too long."""
    found = find_wrong_length(password)
    match found:
        case None:
            return
        case WrongLength.TOO_SHORT:
            refuse("too_short", min=MIN_LENGTH)
        case WrongLength.TOO_LONG:
            refuse("too_long", max=MAX_LENGTH)
        case _:
            assert_never(found)


def flaws_of_password(password: str, address: Address | None) -> Sequence[Flaw]:
    """Returns what is wrong with a password of the right length; see `find_reason` about the time it takes."""
    reason = find_reason(password, address)
    return [] if reason is None else [flaw("#/password", "guessable", reason=reason)]


def flaws_of(error: ValidationError) -> Sequence[Flaw]:
    """Returns all that pydantic and our validators found, in the order of the fields."""
    return [
        _flaw_of(part["type"], part["loc"], part.get("ctx", {}))
        for part in error.errors(include_url=False, include_input=False)
    ]


def _flaw_of(kind: str, location: tuple[int | str, ...], context: Mapping[str, Any]) -> Flaw:
    pointer = _pointer(location)
    ours = context.get("error")
    if isinstance(ours, FieldRefused):
        return flaw(pointer, ours.code, **ours.params)
    code, names = _OF_PYDANTIC.get(kind, ("type" if kind.endswith("_type") else "format", {}))
    return flaw(pointer, code, **{name: context[theirs] for theirs, name in names.items()})


def _pointer(location: tuple[int | str, ...]) -> str:
    # The name of an unknown field is the sender's: repeated only if it is a name at all.
    parts = [str(part) for part in location]
    harmless = all(len(part) <= 40 and part.isascii() and part.replace("_", "").isalnum() for part in parts)
    return "#" + "".join(f"/{part}" for part in parts) if harmless else "#"
