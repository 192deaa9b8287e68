"""Keys of access tokens for tests, and what reads a token as a stranger's program would: with the public keys alone."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from auth_service.security.token_keys import TokenKeys

TOKEN_KEYS = TokenKeys.new(datetime(2026, 1, 1, tzinfo=UTC)).to_json()


def part(token: str, number: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a token, unverified."""
    return dict(json.loads(_decode(token.split(".")[number])))


def claims_verified_with(jwks: Mapping[str, Any], token: str) -> dict[str, Any]:
    """What a resource server reads, which has the published keys and the `cryptography` package; raises InvalidSignature."""
    (key,) = [key for key in jwks["keys"] if key["kid"] == part(token, 0)["kid"]]
    x, y = (int.from_bytes(_decode(key[name])) for name in ("x", "y"))
    signed, _, signature = token.rpartition(".")
    r, s = (int.from_bytes(half) for half in (_decode(signature)[:32], _decode(signature)[32:]))
    public = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    public.verify(encode_dss_signature(r, s), signed.encode(), ECDSA(SHA256()))
    return part(token, 1)


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
