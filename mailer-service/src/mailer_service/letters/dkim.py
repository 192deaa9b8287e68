"""DKIM signatures (RFC 6376, RFC 8463): whoever gets a letter can tell that its words are ours.

A signature covers the whole body and every header twice: once as it is and once as absent, so that nobody can add a
second From or Subject that a reader might see in place of ours. Its time is the letter's: a retry is the same to the byte.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from textwrap import wrap

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from mailer_service.letters.dkim_keys import DkimKey, DkimKeys


def canonical_header(name: str, value: str) -> bytes:
    """Returns a header as it is signed, in the form `relaxed` of RFC 6376, section 3.4.2: lower-case name, unfolded value, one space for any white space; no line end."""
    return name.lower().encode() + b":" + b" ".join(value.encode().split())


def canonical_body(octets: bytes) -> bytes:
    """Returns a body, CRLF throughout, as it is hashed (section 3.4.4): white space as above, none and no empty lines at its end."""
    octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    octets = octets.replace(b" \r\n", b"\r\n").rstrip(b"\r\n ")
    return octets + b"\r\n" if octets else b""


FIELD = "DKIM-Signature"
UNSAID = ("Reply-To", "Cc", "Content-Transfer-Encoding")
"""Headers that our letters need not have, and that would change who is answered or how the body is read."""
_FOLDED_AT = 72


class Signer:
    """Signs letters, once with each key; may be used by any number of threads."""

    def __init__(self, keys: DkimKeys, *, domain: str) -> None:
        self._keys = keys.keys
        self._domain = domain

    def sign(
        self, fields: Sequence[tuple[str, str]], body: bytes, *, at: datetime
    ) -> tuple[tuple[str, str], ...]:
        """Returns the signatures as header fields, to be put before the others.

        Args:
            fields: every header of the letter, folded or not.
            body: CRLF throughout.
            at: the time in the signature, no reading of a clock.
        """
        body_hash = base64.b64encode(hashlib.sha256(canonical_body(body)).digest()).decode("ascii")
        signed = b"".join(canonical_header(name, value) + b"\r\n" for name, value in fields)
        covered = _covered(tuple(name for name, _ in fields))
        return tuple(
            (FIELD, self._signature(key, signed, covered=covered, body_hash=body_hash, at=at))
            for key in self._keys
        )

    def _signature(self, key: DkimKey, signed: bytes, *, covered: str, body_hash: str, at: datetime) -> str:
        unsigned = (
            f"v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n"
            f" d={self._domain}; s={key.selector}; t={int(at.timestamp())};\r\n"
            f" h={covered};\r\n"
            f" bh={body_hash};\r\n"
            " b="
        )
        signature = base64.b64encode(_sign(key, signed + canonical_header(FIELD, unsigned))).decode("ascii")
        lines = (signature[start : start + _FOLDED_AT] for start in range(0, len(signature), _FOLDED_AT))
        return unsigned + "\r\n ".join(lines)


def _sign(key: DkimKey, octets: bytes) -> bytes:
    if isinstance(key.private, RSAPrivateKey):
        return key.private.sign(octets, PKCS1v15(), SHA256())
    # RFC 8463, section 3: what Ed25519 signs is the hash.
    return key.private.sign(hashlib.sha256(octets).digest())


@cache
def _covered(names: tuple[str, ...]) -> str:
    """The tag `h=`: the same for all letters of a process."""
    absent = (name for name in UNSAID if name not in names)
    words = " ".join(f"{name}:" for name in (*names, *names, *absent)).rstrip(":")
    return "\r\n ".join(wrap(words, _FOLDED_AT, break_long_words=False, break_on_hyphens=False))
