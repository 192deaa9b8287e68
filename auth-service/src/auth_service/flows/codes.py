"""② The code somebody typed, looked for among all the codes of an address that it may be of."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TypeVar

from auth_service.db.tokens import TokenState
from auth_service.security.secrets import KeyedHash

T = TypeVar("T", bound=TokenState)


def token_of_code(tokens: Sequence[T], code: str, keyed_hash: KeyedHash) -> T | None:
    """Returns the token the code is of, if one is that may still be guessed; every one is compared, so that the time tells nothing."""
    found = [
        token
        for token in tokens
        if hmac.compare_digest(keyed_hash.code(token.id, code), token.code_hash) and token.takes_codes
    ]
    return found[0] if found else None
