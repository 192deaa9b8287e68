"""E-mail addresses: what was typed, and the one form by which two spellings are known to be the same mailbox."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email

from auth_service.errors import InvalidAddress
from mail_contract.invisible import has_invisible

MAX_LENGTH: Final = 254
"""Octets of the whole address: RFC 5321 section 4.5.3.1.3 less the angle brackets."""
MAX_LOCAL_LENGTH: Final = 64
"""Octets before the @, as SMTP sends them, in UTF-8 (RFC 5321 section 4.5.3.1.1, RFC 6531 section 3.3)."""

# Controls, format characters, separators, surrogates, private, unassigned.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Cs", "Co", "Cn"})
# The alphabets with letters that pass for those of another one (UTS 39); a local part or label uses one of them.
_LOOKALIKE_ALPHABETS = frozenset(
    {
        *(
            "LATIN",
            "CYRILLIC",
            "GREEK",
            "ARMENIAN",
            "CHEROKEE",
            "COPTIC",
            "GEORGIAN",
            "LISU",
            "DESERET",
            "OSAGE",
        ),
        *(
            "CANADIAN",
            "TIFINAGH",
            "GOTHIC",
            "CARIAN",
            "LYCIAN",
            "LYDIAN",
            "OLD",
            "RUNIC",
            "ELBASAN",
            "WARANG",
            "VAI",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A valid address.

    Attributes:
        typed: as the person wrote it; letters go to this.
        canonical: NFC and lower case before the @, A-label after it; unique among accounts. `ß` stays what it is.
    """

    typed: str
    canonical: str


@lru_cache(maxsize=256)  # a request reads its address up to three times, at half a millisecond each
def parse_address(text: str) -> Address:
    """Returns the address, or raises InvalidAddress.

    Quoted local parts, IP literals, names without a dot and names reserved from the public DNS (RFC 6761) are refused,
    but not `.test`, the one reserved for trying things out. Non-ASCII local parts are allowed (RFC 6531).
    """
    # The raw text is looked at first: a library that normalises makes `k` of a Kelvin sign, and nobody knows any more.
    if len(text) > MAX_LENGTH or "=?" in text or has_invisible(text) or any(map(_misleads, text)):
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
    local = text.rpartition("@")[0]
    if valid.ascii_domain is None or any(map(_mixes_alphabets, (local, *valid.domain.split(".")))):
        raise InvalidAddress
    octets = len(local.encode())
    if octets > MAX_LOCAL_LENGTH or octets + 1 + len(valid.ascii_domain) > MAX_LENGTH:
        raise InvalidAddress
    return Address(typed=text, canonical=f"{canonical_local(local)}@{valid.ascii_domain.lower()}")


def canonical_local(local: str) -> str:
    """Returns what stands before the @ in the canonical form."""
    # Composed again afterwards: the small letter of some composed capitals comes in parts.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())


def masked(email: str) -> str:
    """Returns an address as its owner recognises it and nobody else learns it: `a…@example.com`."""
    local, _, domain = email.rpartition("@")
    return f"{local[0]}…@{domain}"


def _misleads(character: str) -> bool:
    """Tells whether a character is not text, or passes for another one."""
    if character.isascii():
        return False
    if unicodedata.category(character) in _REFUSED_CATEGORIES:
        return True
    composed = unicodedata.normalize("NFC", character)
    # The Kelvin sign becomes `K`, U+1FEF a grave accent, a compatibility ideograph the one it was unified with: a
    # mailbox of its own that would share the canonical form of another. Letters that come in parts stay themselves.
    if len(composed) == 1 and composed != character:
        return True
    # Full-width letters, ligatures and the like read as ASCII.
    return any(part.isascii() for part in unicodedata.normalize("NFKC", character))


def _mixes_alphabets(word: str) -> bool:
    alphabets = {
        unicodedata.name(character, "?").split(" ", 1)[0] for character in word if character.isalpha()
    }
    return len(alphabets & _LOOKALIKE_ALPHABETS) > 1
