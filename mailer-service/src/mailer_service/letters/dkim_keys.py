"""DKIM keys, kept as PEM with each one's selector above it, and the DNS records of their public halves."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Self, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mail_contract.errors import BadKey

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey

_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_ENTRY = re.compile(
    r"\s*selector:[ \t]*(?P<selector>\S+)[ \t]*\r?\n(?P<pem>-----BEGIN ([A-Z ]*PRIVATE KEY)-----\s.*?-----END \3-----)\s*",
    re.DOTALL,
)
"""Words above a block are what RFC 7468, section 2, calls explanatory text: other readers of PEM pass over them."""
_RSA_BITS = 2048
"""RFC 8301 wants 1024 at least and 2048 if possible; the record of a longer one does not fit a UDP answer everywhere."""
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
    def from_pem(cls, text: str) -> Self:
        """Reads private RSA and Ed25519 keys, each with a line `selector: …` above it; raises BadKey."""
        keys: list[DkimKey] = []
        end = 0
        while end < len(text):
            entry = _ENTRY.match(text, end)
            if entry is None:
                raise BadKey("(a line `selector: …` and a private key in PEM, once or twice)")
            keys.append(DkimKey(selector=entry["selector"], private=_read(entry["pem"])))
            end = entry.end()
        if not keys or len({key.algorithm for key in keys}) < len(keys):
            raise BadKey("(one RSA key, one Ed25519 key, or one of each)")
        for key in keys:
            if not _SELECTOR.fullmatch(key.selector):
                raise BadKey("(a selector is labels of lower-case letters, digits and hyphens)")
            if isinstance(key.private, RSAPrivateKey) and key.private.key_size < _RSA_BITS:
                raise BadKey(f"(RSA keys have {_RSA_BITS} bits at least)")
        return cls(keys)


def generate_dkim_keys(today: date) -> str:
    """Returns a new key of each algorithm as PEM, the day in their selectors: a later pair has other ones."""
    day = today.strftime("%Y%m%d")
    private: dict[str, PrivateKey] = {
        "rsa": generate_private_key(public_exponent=65537, key_size=_RSA_BITS),
        "ed25519": Ed25519PrivateKey.generate(),
    }
    return "".join(
        f"selector: {kind}-{day}\n"
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
        for kind, key in private.items()
    )


def zone_line(name: str, text: str) -> str:
    """Returns a TXT record as a zone file has it, cut into strings of at most 255 octets."""
    strings = [text[start : start + _STRING_OCTETS] for start in range(0, len(text), _STRING_OCTETS)]
    return f"{name}. IN TXT ( " + " ".join(f'"{string}"' for string in strings) + " )"


def _read(pem: str) -> PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # Neither the text nor the library's words about it: they may hold a private key.
        raise BadKey(f"(a private key in PEM, not encrypted: {type(error).__name__})") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise BadKey("(RSA or Ed25519)")
    return key
