"""Hashes of passwords as we keep them: PHC strings, of our own parameters and of those that came with imported accounts.

What stands before salt and digest is the hash's kind.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import argon2
import bcrypt

from auth_service.domain.password_policy import normalized

_MEGABYTE: Final = 1024 * 1024
_BCRYPT_BYTES: Final = 72
"""As much of a password as bcrypt looks at; libraries that made imported hashes cut it there."""
_PHC: Final = re.compile(
    r"(?P<kind>\$(?P<scheme>[a-z0-9-]+)(?:\$v=(?P<version>\d+))?\$(?P<params>[a-z0-9=,-]+))\$(?P<salt>[^$]+)\$(?P<digest>[^$]+)"
)


class PreHash(StrEnum):
    """What is done to a password before bcrypt sees it, so that it sees all of it."""

    NONE = "none"
    SHA256_HEX = "sha256-hex"
    """Django's `bcrypt_sha256`."""
    SHA256_B64 = "sha256-b64"
    """passlib's `bcrypt_sha256`, version 1."""
    HMAC_SHA256_B64 = "hmac-sha256-b64"
    """The same, version 2: keyed with the salt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What it costs to check one password.

    Attributes:
        family: what can be added up.
        units: how much of it.
    """

    family: str
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2:
    """A hash of argon2 (RFC 9106), as its reference implementation writes it; of a password's normalized form, as ours are."""

    phc: str

    @property
    def work(self) -> Work:
        """Cannot be added up: memory and passes have a price of their own."""
        return Work(family=kind_of(self.phc), units=1)

    def matches(self, password: str) -> bool:
        """Says whether this is the password."""
        try:
            return argon2.PasswordHasher().verify(self.phc, normalized(password))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bcrypt:
    """A hash of bcrypt; 2a, 2b and 2y are one for what we ask of them.

    Attributes:
        cost: binary logarithm of the rounds.
        pre: what is done to the password first.
        salt: 22 characters of bcrypt's own base64.
        digest: 31 of them.
    """

    cost: int
    pre: PreHash
    salt: str
    digest: str

    @property
    def phc(self) -> str:
        """As it is kept."""
        pre = "" if self.pre is PreHash.NONE else f",pre={self.pre}"
        return f"$bcrypt$r={self.cost}{pre}${self.salt}${self.digest}"

    @property
    def work(self) -> Work:
        """In rounds."""
        return Work(family="bcrypt", units=1 << self.cost)

    def matches(self, password: str) -> bool:
        """Says whether this is the password."""
        text = password.encode()
        match self.pre:
            case PreHash.SHA256_HEX:
                text = hashlib.sha256(text).hexdigest().encode()
            case PreHash.SHA256_B64:
                text = base64.b64encode(hashlib.sha256(text).digest())
            case PreHash.HMAC_SHA256_B64:
                text = base64.b64encode(hmac.digest(self.salt.encode(), text, "sha256"))
            case PreHash.NONE:
                text = text[:_BCRYPT_BYTES]
        found = bcrypt.hashpw(text, f"$2b${self.cost:02}${self.salt}".encode())
        return hmac.compare_digest(found[-len(self.digest) :], self.digest.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pbkdf2:
    """A hash of PBKDF2 (RFC 8018).

    Attributes:
        digest: `sha256` or `sha512`.
        iterations: of its HMAC.
        salt, key: as they are.
    """

    digest: str
    iterations: int
    salt: bytes
    key: bytes

    @property
    def phc(self) -> str:
        """As it is kept."""
        return f"$pbkdf2-{self.digest}$i={self.iterations},l={len(self.key)}${b64(self.salt)}${b64(self.key)}"

    @property
    def work(self) -> Work:
        """In iterations, of which each block of the key has its own."""
        blocks = -(-len(self.key) // hashlib.new(self.digest).digest_size)
        return Work(family=f"pbkdf2-{self.digest}", units=self.iterations * blocks)

    def matches(self, password: str) -> bool:
        """Says whether this is the password."""
        found = hashlib.pbkdf2_hmac(self.digest, password.encode(), self.salt, self.iterations, len(self.key))
        return hmac.compare_digest(found, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrypt:
    """A hash of scrypt (RFC 7914).

    Attributes:
        log_n: binary logarithm of the cost.
        block_size, parallelism: r and p.
        salt, key: as they are.
    """

    log_n: int
    block_size: int
    parallelism: int
    salt: bytes
    key: bytes

    @property
    def phc(self) -> str:
        """As it is kept."""
        return f"{self._kind}${b64(self.salt)}${b64(self.key)}"

    @property
    def work(self) -> Work:
        """Cannot be added up: memory has a price of its own."""
        return Work(family=self._kind, units=1)

    @property
    def _kind(self) -> str:
        return f"$scrypt$ln={self.log_n},r={self.block_size},p={self.parallelism}"

    def matches(self, password: str) -> bool:
        """Says whether this is the password."""
        found = hashlib.scrypt(
            password.encode(),
            salt=self.salt,
            n=1 << self.log_n,
            r=self.block_size,
            p=self.parallelism,
            maxmem=_MEGABYTE + 128 * self.block_size * ((1 << self.log_n) + self.parallelism + 2),
            dklen=len(self.key),
        )
        return hmac.compare_digest(found, self.key)


StoredHash = Argon2 | Bcrypt | Pbkdf2 | Scrypt


def kind_of(phc: str) -> str:
    """Returns the kind of a hash; the database has an index of them (`db/password_kinds.py`)."""
    return phc.rsplit("$", 2)[0]


def read_stored(phc: str) -> StoredHash:
    """Returns the hash in a string that we keep; raises ValueError for any other."""
    found = _PHC.fullmatch(phc)
    if found is None:
        raise ValueError("not a hash that is kept here")
    scheme, salt, digest = found["scheme"], found["salt"], found["digest"]
    params = dict(part.partition("=")[::2] for part in found["params"].split(","))
    match scheme:
        case "argon2id" | "argon2i" | "argon2d":
            return Argon2(phc=phc)
        case "bcrypt":
            pre = PreHash(params.get("pre", PreHash.NONE))
            return Bcrypt(cost=int(params["r"]), pre=pre, salt=salt, digest=digest)
        case "pbkdf2-sha256" | "pbkdf2-sha512":
            iterations = int(params["i"])
            hashed_with = scheme.removeprefix("pbkdf2-")
            return Pbkdf2(digest=hashed_with, iterations=iterations, salt=_unb64(salt), key=_unb64(digest))
        case "scrypt":
            log_n, block_size, parallelism = (int(params[name]) for name in ("ln", "r", "p"))
            return Scrypt(
                log_n=log_n,
                block_size=block_size,
                parallelism=parallelism,
                salt=_unb64(salt),
                key=_unb64(digest),
            )
        case _:
            raise ValueError("not a hash that is kept here")


def b64(value: bytes) -> str:
    """Returns bytes as PHC strings have them: base64 without padding."""
    return base64.b64encode(value).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
