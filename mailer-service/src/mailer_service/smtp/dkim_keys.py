"""DKIM keys, kept as a JWK set whose key ids are selectors, and the DNS records of their public halves."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mail_contract.errors import BadKey
from mail_contract.keys import decode, encode

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey

_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_RSA_BITS = 2048
"""RFC 8301 wants 1024 at least and 2048 if possible; the record of a longer one does not fit a UDP answer everywhere."""
_RSA_FIELDS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
_STRING_OCTETS = 255
"""Of one string in a TXT record (RFC 1035, section 3.3)."""


class Algorithm(StrEnum):
    """How a key signs; the value is the tag `a=` of a signature."""

    RSA = "rsa-sha256"
    """RFC 6376; every verifier knows it."""
    ED25519 = "ed25519-sha256"
    """RFC 8463; small and fast, and many verifiers do not know it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimKey:
    """One key.

    Attributes:
        selector: names its record: `<selector>._domainkey.<domain>`.
        private: never leaves the process.
    """

    selector: str
    private: PrivateKey

    @property
    def algorithm(self) -> Algorithm:
        """Which one it signs with."""
        return Algorithm.RSA if isinstance(self.private, RSAPrivateKey) else Algorithm.ED25519

    def record(self) -> str:
        """Returns the text of its DNS record (RFC 6376, section 3.6.1)."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            kind, octets = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            kind, octets = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={kind}; h=sha256; p={base64.b64encode(octets).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class DkimKeys:
    """What letters are signed with: a key of each algorithm at most, for a letter with many signatures helps nobody.

    Attributes:
        keys: never empty.
    """

    keys: Sequence[DkimKey]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a JWK set of private RSA and Ed25519 keys; raises BadKey."""
        try:
            keys = [DkimKey(selector=str(jwk["kid"]), private=_read(jwk)) for jwk in json.loads(text)["keys"]]
        except (ValueError, KeyError, TypeError) as error:
            # Neither the text nor the library's words about it: they may hold a private key.
            raise BadKey(f"(a JWK set of RSA and Ed25519 keys: {type(error).__name__})") from None
        if not keys or len({key.algorithm for key in keys}) < len(keys):
            raise BadKey("(one RSA key, one Ed25519 key, or one of each)")
        for key in keys:
            if not _SELECTOR.fullmatch(key.selector):
                raise BadKey("(a kid is a selector: labels of lower-case letters, digits and hyphens)")
            if isinstance(key.private, RSAPrivateKey) and key.private.key_size < _RSA_BITS:
                raise BadKey(f"(RSA keys have {_RSA_BITS} bits at least)")
        return cls(keys)


def generate_dkim_keys(today: date) -> str:
    """Returns a new key of each algorithm as a JWK set, the day in their selectors: a later pair has other ones."""
    rsa, ed25519 = (
        generate_private_key(public_exponent=65537, key_size=_RSA_BITS),
        Ed25519PrivateKey.generate(),
    )
    private = rsa.private_numbers()
    public = private.public_numbers
    numbers = (public.n, public.e, private.d, private.p, private.q, private.dmp1, private.dmq1, private.iqmp)
    raw = {"x": ed25519.public_key().public_bytes_raw(), "d": ed25519.private_bytes_raw()}
    day = today.strftime("%Y%m%d")
    return json.dumps(
        {
            "keys": [
                {
                    "kty": "RSA",
                    "kid": f"rsa-{day}",
                    **{
                        field: encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
                        for field, number in zip(_RSA_FIELDS, numbers, strict=True)
                    },
                },
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "kid": f"ed25519-{day}",
                    **{field: encode(octets) for field, octets in raw.items()},
                },
            ]
        }
    )


def zone_line(name: str, text: str) -> str:
    """Returns a TXT record as a zone file has it, cut into strings of at most 255 octets."""
    strings = [text[start : start + _STRING_OCTETS] for start in range(0, len(text), _STRING_OCTETS)]
    return f"{name}. IN TXT ( " + " ".join(f'"{string}"' for string in strings) + " )"


def _read(jwk: Mapping[str, Any]) -> PrivateKey:
    if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
        return Ed25519PrivateKey.from_private_bytes(decode(jwk["d"]))
    if jwk["kty"] != "RSA":
        raise ValueError("neither RSA nor Ed25519")
    n, e, d, p, q, dp, dq, qi = (int.from_bytes(decode(jwk[field]), "big") for field in _RSA_FIELDS)
    return RSAPrivateNumbers(
        p=p, q=q, d=d, dmp1=dp, dmq1=dq, iqmp=qi, public_numbers=RSAPublicNumbers(e, n)
    ).private_key()
