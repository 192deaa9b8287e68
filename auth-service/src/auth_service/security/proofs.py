"""Proofs of work in ALTCHA's format (PoW v2): challenges that we sign, and solutions that we check without the work.

The challenge hides one number below `tries`: its key, PBKDF2 of nonce and number, begins as the challenge says. A browser
tries them one after the other; we know the key, and signed it.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import altcha

from auth_service.domain.proof import Challenge
from auth_service.security.secrets import KeyedHash

LIFETIME: Final = timedelta(minutes=10)
"""How long a challenge may be solved: a slow phone takes seconds, a person longer to come back to the page."""

MAX_PROOF_LENGTH: Final = 2048
"""Characters; ours have about 900."""

_ALGORITHM: Final = "PBKDF2/SHA-256"
_ITERATIONS: Final = 1000
"""A try takes a browser about half a millisecond; asking for a challenge costs us one try."""


class Proofs:
    """Makes challenges and checks proofs; any process with the same hash key takes what another gave out.

    Args:
        keyed_hash: signs challenges.
        tries: numbers a browser tries at most; half to all of them.
    """

    def __init__(self, *, keyed_hash: KeyedHash, tries: int) -> None:
        self._signing_key = keyed_hash.derived_key("proof challenge")
        self._solution_key = keyed_hash.derived_key("proof solution")
        self._tries = tries

    def new_challenge(self) -> Challenge:
        """Returns a challenge nobody had before."""
        expires_at = datetime.now(UTC).replace(microsecond=0) + LIFETIME
        half = max(1, self._tries // 2)
        challenge = altcha.create_challenge(
            _ALGORITHM,
            _ITERATIONS,
            counter=half + secrets.randbelow(half),
            expires_at=expires_at,
            hmac_secret=self._signing_key,
            hmac_key_secret=self._solution_key,
        )
        return Challenge(document=challenge.to_dict(), expires_at=expires_at)

    def serial_of(self, proof: str) -> str | None:
        """Returns what tells this proof's challenge from all others, or None if the proof is not good.

        Good is one whose challenge is ours, not expired, and solved. Whether it was used before is for the caller to ask.
        """
        challenge = _challenge_of(proof)
        if challenge is None or not _is_young(challenge):
            return None
        result = altcha.verify_solution(
            proof, hmac_secret=self._signing_key, hmac_key_secret=self._solution_key
        )
        return str(challenge["signature"]) if result.verified else None


def _challenge_of(proof: str) -> dict[str, Any] | None:
    """Returns the challenge in a proof, if it is base64 of JSON of the right form: strangers write what they like."""
    if len(proof) > MAX_PROOF_LENGTH:
        return None
    try:
        document = json.loads(base64.b64decode(proof, validate=True))
        challenge, solution = document["challenge"], document["solution"]
        parameters, signature = challenge["parameters"], challenge["signature"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    fits = (
        isinstance(parameters, dict)
        and isinstance(solution, dict)
        and isinstance(signature, str)
        # Without it the library would do the whole work again, with a cost the sender named.
        and isinstance(parameters.get("keySignature"), str)
    )
    return challenge if fits else None


def _is_young(challenge: dict[str, Any]) -> bool:
    """Says whether it expires, and has not: the library takes a challenge that says nothing of it for an everlasting one."""
    expires_at = challenge["parameters"].get("expiresAt")
    return type(expires_at) is int and expires_at > time.time()
