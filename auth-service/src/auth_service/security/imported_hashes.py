"""Hashes of passwords in the strings that other software exports: Django, passlib and Keycloak. Only an import reads them.

Whoever made a hash chose what it costs us at every sign-in, so its cost is bounded. One that is too cheap is refused too: a
stolen copy of it is as good as the password.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final, assert_never

import argon2

from auth_service.security.stored_hashes import (
    Argon2,
    Bcrypt,
    Pbkdf2,
    PreHash,
    Scrypt,
    StoredHash,
    b64,
    read_stored,
)

PBKDF2_ITERATIONS: Final = range(10_000, 2_000_001)
"""Those of all blocks of a key together; the most take half a second of a core."""
BCRYPT_COSTS: Final = range(8, 15)
"""The highest takes 0.7 s of a core."""
SCRYPT_MEMORY: Final = range(4 << 20, (128 << 20) + 1)
"""Bytes; each request that hashes takes them, as many at once as AUTH_HASH_LIMIT says."""
SCRYPT_WORK: Final = 1 << 21
"""N·r·p at most, half a second of a core."""
ARGON2_MEMORY: Final = range(512, 128 * 1024 + 1)
"""KiB; the least is what Django took until its release 3.1."""
ARGON2_WORK: Final = 512 * 1024
"""KiB times passes at most, half a second of a core."""
PARALLELISM: Final = range(1, 17)
KEY_BYTES: Final = range(16, 65)

_LONGEST: Final = 4096
"""Characters; the longest string of the three has under 600."""

_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})")
_PASSLIB_BCRYPT: Final = re.compile(
    r"\$bcrypt-sha256\$(v=2,t=2b,r=|2[ab],)(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})"
)
_PASSLIB_PBKDF2: Final = re.compile(r"\$pbkdf2-(sha256|sha512)\$(\d{1,9})\$([^$]+)\$([^$]+)")
_DJANGO_PBKDF2: Final = re.compile(r"pbkdf2_sha256\$(\d{1,9})\$([^$]+)\$([^$]+)")
_PASSLIB_SCRYPT: Final = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([^$]+)\$([^$]+)")
_DJANGO_SCRYPT: Final = re.compile(r"scrypt\$(\d{1,9})\$([^$]+)\$(\d{1,4})\$(\d{1,4})\$([^$]+)")


class RefusedHash(Exception):
    """A hash that is not imported; its text says why, and quotes nothing of it."""


def read_hash(value: str | Mapping[str, Any] | None) -> StoredHash | None:
    """Returns a hash to be kept, or None where the exported account has no password.

    Args:
        value: a string of Django or passlib, or Keycloak's credential as a string or an object.

    Raises:
        RefusedHash: unknown, broken, too cheap or too costly.
    """
    # Django marks so that nobody has the password.
    if value is None or value == "" or (isinstance(value, str) and value.startswith("!")):
        return None
    try:
        found = _read(value)
        if found is not None:
            _bound(found)
    except (ValueError, KeyError, TypeError, IndexError, argon2.exceptions.InvalidHashError):
        raise RefusedHash("the password hash is broken") from None
    if found is None:
        raise RefusedHash("the password hash is of no kind that can be checked here")
    return found


def _read(value: str | Mapping[str, Any]) -> StoredHash | None:
    if not isinstance(value, str):
        return _keycloak(value)
    if len(value) > _LONGEST:
        return None
    if value.startswith("{"):
        return _keycloak(json.loads(value))
    if value.startswith(("$bcrypt$", "$pbkdf2-sha256$i=", "$pbkdf2-sha512$i=")):
        return read_stored(value)
    # Django writes its own word before the strings of others.
    text = value.removeprefix("argon2") if value.startswith("argon2$") else value
    if text.startswith("$argon2"):
        return _argon2(text)
    return _bcrypt(text) or _pbkdf2(text) or _scrypt(text)


def _argon2(text: str) -> Argon2:
    argon2.extract_parameters(text)
    return Argon2(phc=text)


def _bcrypt(text: str) -> Bcrypt | None:
    if found := _PASSLIB_BCRYPT.fullmatch(text):
        version, cost, salt, digest = found.groups()
        pre = PreHash.HMAC_SHA256_B64 if version.startswith("v=2") else PreHash.SHA256_B64
        return Bcrypt(cost=int(cost), pre=pre, salt=salt, digest=digest)
    pre = PreHash.SHA256_HEX if text.startswith("bcrypt_sha256$$") else PreHash.NONE
    found = _BCRYPT.fullmatch(text.removeprefix("bcrypt_sha256$").removeprefix("bcrypt$"))
    if found is None:
        return None
    cost, salt, digest = found.groups()
    return Bcrypt(cost=int(cost), pre=pre, salt=salt, digest=digest)


def _pbkdf2(text: str) -> Pbkdf2 | None:
    if found := _DJANGO_PBKDF2.fullmatch(text):
        iterations, salt, key = found.groups()
        return Pbkdf2(digest="sha256", iterations=int(iterations), salt=salt.encode(), key=_unb64(key))
    if found := _PASSLIB_PBKDF2.fullmatch(text):
        digest, iterations, salt, key = found.groups()
        return Pbkdf2(digest=digest, iterations=int(iterations), salt=_unb64(salt), key=_unb64(key))
    return None


def _scrypt(text: str) -> Scrypt | None:
    if found := _DJANGO_SCRYPT.fullmatch(text):
        n, salt, r, p, key = found.groups()
        log_n = int(n).bit_length() - 1
        if 1 << log_n != int(n):
            raise ValueError("not a power of two")
        return Scrypt(log_n=log_n, block_size=int(r), parallelism=int(p), salt=salt.encode(), key=_unb64(key))
    if found := _PASSLIB_SCRYPT.fullmatch(text):
        ln, r, p, salt, key = found.groups()
        return Scrypt(
            log_n=int(ln), block_size=int(r), parallelism=int(p), salt=_unb64(salt), key=_unb64(key)
        )
    return None


def _keycloak(credential: Mapping[str, Any]) -> StoredHash | None:
    """A credential of Keycloak's export: two objects, each as a string."""
    secret, how = (_parsed(credential[name]) for name in ("secretData", "credentialData"))
    salt, key = _unb64(secret["salt"]), _unb64(secret["value"])
    algorithm, rounds = how["algorithm"], int(how["hashIterations"])
    if algorithm in {"pbkdf2-sha256", "pbkdf2-sha512"}:
        return Pbkdf2(digest=algorithm.removeprefix("pbkdf2-"), iterations=rounds, salt=salt, key=key)
    if algorithm != "argon2":
        return None
    more = {name: values[0] for name, values in how["additionalParameters"].items()}
    version = {"1.3": 19, "1.0": 16}[more["version"]]
    return _argon2(
        f"$argon2{more['type']}$v={version}$m={int(more['memory'])},t={rounds},p={int(more['parallelism'])}"
        f"${b64(salt)}${b64(key)}"
    )


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _bound(found: StoredHash) -> None:
    match found:
        case Argon2(phc=phc):
            how = argon2.extract_parameters(phc)
            _require(how.memory_cost in ARGON2_MEMORY and how.parallelism in PARALLELISM)
            _require(how.memory_cost * how.time_cost <= ARGON2_WORK and how.hash_len in KEY_BYTES)
        case Bcrypt(cost=cost):
            _require(cost in BCRYPT_COSTS)
        case Pbkdf2(key=key):
            _require(found.work.units in PBKDF2_ITERATIONS and len(key) in KEY_BYTES)
        case Scrypt(log_n=log_n, block_size=r, parallelism=p, key=key):
            _require(log_n < 32 and 128 * r << log_n in SCRYPT_MEMORY and p in PARALLELISM)
            _require((r * p) << log_n <= SCRYPT_WORK and len(key) in KEY_BYTES)
        case _:
            assert_never(found)


def _require(within: bool, /) -> None:
    if not within:
        raise RefusedHash("the password hash is too cheap or too costly")


def _unb64(text: str) -> bytes:
    """Base64 with or without padding, and with passlib's dots."""
    standard = text.rstrip("=").replace(".", "+")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
