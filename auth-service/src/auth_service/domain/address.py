"""E-mail addresses: what was typed, and the one form by which two spellings are known to be the same mailbox."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from email_validator import EmailNotValidError, validate_email

from auth_service.errors import InvalidAddress

MAX_LENGTH: Final = 254
"""RFC 5321 section 4.5.3.1.3 less the angle brackets."""

# Controls (CR, LF, NUL), format characters (bidi controls, zero-width), separators, surrogates, private, unassigned.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Cs", "Co", "Cn"})
# The alphabets whose letters look alike (UTS 39); one mailbox name uses one of them.
_LOOKALIKE_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A valid address.

    Attributes:
        typed: as the person wrote it; letters go to this.
        canonical: NFKC and casefolded before the @, A-label after it; unique among accounts.
    """

    typed: str
    canonical: str


def parse_address(text: str) -> Address:
    """Returns the address, or raises InvalidAddress.

    Quoted local parts, IP literals, names without a dot and names reserved from the public DNS (RFC 6761) are refused,
    but not `.test`, the one reserved for trying things out. Non-ASCII local parts are allowed (RFC 6531).
    """
    if len(text) > MAX_LENGTH or any(
        unicodedata.category(character) in _REFUSED_CATEGORIES for character in text
    ):
        raise InvalidAddress
    try:
        valid = validate_email(
            text,
            allow_smtputf8=True,
            allow_quoted_local=False,
            allow_domain_literal=False,
            strict=True,
            check_deliverability=False,
            test_environment=True,
        )
    except EmailNotValidError:
        raise InvalidAddress from None
    local = _canonical_local(valid.local_part)
    if valid.ascii_domain is None or len(_alphabets(local) & _LOOKALIKE_ALPHABETS) > 1:
        raise InvalidAddress
    return Address(typed=text, canonical=f"{local}@{valid.ascii_domain.lower()}")


def _canonical_local(local: str) -> str:
    composed = unicodedata.normalize("NFC", local)
    # Full-width letters, ligatures and the like read as ASCII but are another mailbox under the same canonical form.
    if any(not character.isascii() and _reads_as_ascii(character) for character in composed):
        raise InvalidAddress
    folded = unicodedata.normalize("NFKC", composed).casefold()
    return unicodedata.normalize("NFKC", folded)


def _reads_as_ascii(character: str) -> bool:
    return any(part.isascii() for part in unicodedata.normalize("NFKC", character))


def _alphabets(text: str) -> set[str]:
    return {unicodedata.name(character, "?").split(" ", 1)[0] for character in text if character.isalpha()}
