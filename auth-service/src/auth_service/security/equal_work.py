"""Checking a password at a price alike for all: a wrong one has to take as long whosever it is.

Each check does the work of every kind of hash that is kept: the account's own, and on top of it what the others would have cost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

import bcrypt

from auth_service.security.stored_hashes import Argon2, Bcrypt, Pbkdf2, Scrypt, StoredHash, b64, read_stored

_DUMMY_SALT: Final = bytes(16)
_DUMMY_BCRYPT_SALT: Final = "." * 22


def check(phc: str | None, password: str, *, kinds: Collection[str]) -> bool:
    """Says whether this is the password of a hash, at the price of one hash of every kind, whichever it is.

    Args:
        phc: as it is kept; None where there is no account or no password. One that cannot be read is nobody's password.
        password: as typed.
        kinds: all that are kept; the one of `phc` is among them. Those that cannot be read cost nothing.
    """
    stored = None if phc is None else _readable(phc)
    right = stored is not None and stored.matches(password)
    most: dict[str, int] = {}
    examples: dict[str, StoredHash] = {}
    for kind in kinds:
        example = _example(kind)
        if example is None:
            continue
        work = example.work
        examples[work.family] = example
        most[work.family] = max(work.units, most.get(work.family, 0))
    for family, units in most.items():
        done = stored.work.units if stored is not None and stored.work.family == family else 0
        _spend(examples[family], units - done)
    return right


def _spend(example: StoredHash, units: int) -> None:
    """Does so much work of a hash's family for nothing."""
    if units <= 0:
        return
    match example:
        case Argon2() | Scrypt():
            example.matches("")
        case Pbkdf2(digest=digest):
            hashlib.pbkdf2_hmac(digest, b"", _DUMMY_SALT, units)
        case Bcrypt():
            # The rounds of several costs add up to any that is missing: 2^12 - 2^10 = 2^11 + 2^10.
            for cost in range(units.bit_length()):
                if units >> cost & 1:
                    bcrypt.hashpw(b"", f"$2b${cost:02}${_DUMMY_BCRYPT_SALT}".encode())


@lru_cache(maxsize=64)  # made of what is kept, not of what is asked
def _example(kind: str) -> StoredHash | None:
    if kind.startswith("$bcrypt$"):
        return _readable(f"{kind}${_DUMMY_BCRYPT_SALT}${'.' * 31}")
    length = re.search(r"l=(\d+)", kind.rsplit("$", 1)[1]) if kind.startswith("$pbkdf2") else None
    return _readable(f"{kind}${b64(_DUMMY_SALT)}${b64(bytes(int(length[1]) if length else 32))}")


def _readable(phc: str) -> StoredHash | None:
    try:
        return read_stored(phc)
    except (ValueError, KeyError):
        return None
