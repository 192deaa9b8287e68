"""Keys for sealing (X25519) and signing (Ed25519), kept as JWK sets (RFC 7517, RFC 8037).

The first key of a set is used for new envelopes, every key for opening or verifying: that is how keys rotate.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from mail_contract.errors import BadKey, UnknownKey


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Reverses `encode`; raises ValueError for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class KeySet(Generic[K]):
    """Keys by id, in the order of their file.

    Attributes:
        keys: never empty.
    """

    keys: Mapping[str, K]

    @property
    def current(self) -> tuple[str, K]:
        """Id and key for new envelopes: the first of the set."""
        return next(iter(self.keys.items()))

    def find(self, key_id: str) -> K:
        """Returns the key of that id; raises UnknownKey."""
        try:
            return self.keys[key_id]
        except KeyError:
            raise UnknownKey(key_id) from None


class PublicSealingKeys(KeySet[X25519PublicKey]):
    """The mailer's public keys, held by auth-service."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a JWK set of X25519 public keys; raises BadKey."""
        return cls(_read(text, "X25519", "x", X25519PublicKey.from_public_bytes))


class SealingKeys(KeySet[X25519PrivateKey]):
    """The mailer's private keys: two are live while one replaces the other."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a JWK set of X25519 private keys; raises BadKey."""
        return cls(_read(text, "X25519", "d", X25519PrivateKey.from_private_bytes))


class SigningKey(KeySet[Ed25519PrivateKey]):
    """Auth's private keys; the first signs."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a JWK set of Ed25519 private keys; raises BadKey."""
        return cls(_read(text, "Ed25519", "d", Ed25519PrivateKey.from_private_bytes))


class VerifyingKeys(KeySet[Ed25519PublicKey]):
    """Auth's public keys, held by the mailer."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a JWK set of Ed25519 public keys; raises BadKey."""
        return cls(_read(text, "Ed25519", "x", Ed25519PublicKey.from_public_bytes))


def generate_sealing_keys() -> tuple[str, str]:
    """Returns a new sealing key as two JWK sets: private, public."""
    key = X25519PrivateKey.generate()
    return _write("X25519", key.private_bytes_raw(), key.public_key().public_bytes_raw())


def generate_signing_keys() -> tuple[str, str]:
    """Returns a new signing key as two JWK sets: private, public."""
    key = Ed25519PrivateKey.generate()
    return _write("Ed25519", key.private_bytes_raw(), key.public_key().public_bytes_raw())


def _write(curve: str, private: bytes, public: bytes) -> tuple[str, str]:
    jwk = {"kty": "OKP", "crv": curve, "kid": secrets.token_hex(4), "x": encode(public)}
    return json.dumps({"keys": [{**jwk, "d": encode(private)}]}), json.dumps({"keys": [jwk]})


def _read(text: str, curve: str, field: str, build: Callable[[bytes], K]) -> Mapping[str, K]:
    try:
        entries = json.loads(text)["keys"]
        keys = {str(jwk["kid"]): build(decode(jwk[field])) for jwk in entries if jwk["crv"] == curve}
    except (ValueError, KeyError, TypeError) as error:
        # The text may hold a private key: neither it nor the library's words about it go into the message.
        raise BadKey(f"(a JWK set with {curve} keys, field {field!r}: {type(error).__name__})") from None
    if not keys:
        raise BadKey(f"(no {curve} key in the set)")
    return keys
