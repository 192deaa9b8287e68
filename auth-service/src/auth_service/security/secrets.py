"""Secrets that travel in letters and receipts: how they are made, and the hashes that are all we keep of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from auth_service.domain.one_time_token import CODE_DIGITS

_SECRET_BYTES = 32
MAX_SECRET_LENGTH = 64
"""Characters; a secret of ours has 43, anything longer is not looked up."""


@dataclass(frozen=True, slots=True)
class Secret:
    """256 random bits as 43 URL-safe characters; for links and receipts. Its `repr` does not show it."""

    text: str

    @classmethod
    def new(cls) -> Secret:
        """Returns a fresh one from the system's generator."""
        return cls(secrets.token_urlsafe(_SECRET_BYTES))

    @property
    def digest(self) -> bytes:
        """SHA-256: with 256 random bits in, neither salt nor key makes it harder to invert."""
        return hashlib.sha256(self.text.encode()).digest()

    def __repr__(self) -> str:
        return "Secret(…)"


def _secret(digest: bytes) -> Secret:
    return Secret(base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


def new_code() -> str:
    """Returns eight random digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


class Derived(Enum):
    """Secrets of a registration that can be made again from its id: a repeated answer and a later letter carry the same."""

    RECEIPT = b"receipt"
    REGISTRATION_SECRET = b"registration secret"
    REFUSAL = b"refusal"


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """HMAC-SHA-256 for what is too short or too well known for a plain hash. Its `repr` does not show the key."""

    key: str

    def code(self, token_id: UUID, code: str) -> bytes:
        """Returns the hash of a code, good for this one token only."""
        return self._digest(b"code", token_id.bytes + code.encode())

    def recipient_tag(self, canonical: str) -> str:
        """Returns what stands for a mailbox in tables and envelopes: 32 hexadecimal digits."""
        return self._digest(b"recipient", canonical.encode()).hex()[:32]

    def limit_key(self, limit: str, whom: str) -> bytes:
        """Returns under what requests of somebody are counted against a limit."""
        return self._digest(b"limit", limit.encode() + b"\0" + whom.encode())

    def derived_key(self, use: str) -> bytes:
        """Returns a key of its own for one more use; nothing of this key can be read from it."""
        return self._digest(b"key", use.encode())

    def secret_of(self, registration_id: UUID, use: Derived) -> Secret:
        """Returns a secret of a registration; like a random one to whoever has not the key, and kept as a hash only."""
        return _secret(self._digest(use.value, registration_id.bytes))

    def password_salt(self, canonical: str) -> bytes:
        """Returns the 16 bytes of salt for passwords of an address: equal hashes then mean an equal password.

        As good as random to whoever has not the key, and different for every address.
        """
        return self._digest(b"salt", canonical.encode())[:16]

    def successor_of(self, refresh_token: Secret) -> Secret:
        """Returns the refresh token that follows this one: always the same, so that only hashes of both are kept."""
        key = self.derived_key("refresh token successor")
        return _secret(hmac.digest(key, refresh_token.text.encode(), "sha256"))

    def form_token(self, browser: Secret, session: str) -> str:
        """Returns the token of forms that a browser is shown; `session` is its session's cookie, or empty."""
        return self._digest(b"form", f"{browser.text}\0{session}".encode()).hex()

    def _digest(self, use: bytes, message: bytes) -> bytes:
        return hmac.digest(self.key.encode(), use + b"\0" + message, "sha256")

    def __repr__(self) -> str:
        return "KeyedHash(…)"
