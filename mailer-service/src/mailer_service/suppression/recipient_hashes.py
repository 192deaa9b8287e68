"""How a recipient and a domain are recognised without being written down: keyed hashes.

The key is the mailer's own (`MAILER_HASH_KEY`). Without it nobody can try addresses against a copy of the table.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from mailer_service.address import Mailbox
from mailer_service.db.tables import Scope
from mailer_service.errors import AddressNotSupported

TAG_DIGITS = 16
"""Hexadecimal digits of a hash that are shown; enough to tell ten million apart, and to take one away by."""
_PROBE = "x"
"""A local part, to read a domain by the rules of an address."""


def tag_of(key: bytes) -> str:
    """Returns what is shown of a hash: its first digits."""
    return bytes(key).hex()[:TAG_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientHashes:
    """By what a letter's addressee is recognised, 32 octets each.

    Attributes:
        recipient: of exactly this mailbox, apart from ASCII case.
        domain: of its domain, in A-labels.
    """

    recipient: bytes
    domain: bytes

    def of(self, scope: Scope) -> bytes:
        """Returns the one of a scope."""
        return self.recipient if scope is Scope.RECIPIENT else self.domain


class RecipientHasher:
    """Makes hashes."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def hashes_of(self, address: str) -> RecipientHashes:
        """Returns the hashes of an address; raises AddressNotSupported.

        Only the domain is canonical. Before the @ only ASCII letters lose their case: a server may hold any other two
        spellings apart, and what one mailbox refused must not silence another.
        """
        mailbox = Mailbox.parse(address)
        # `lower` of bytes knows ASCII only.
        local = mailbox.local.encode().lower().decode()
        return RecipientHashes(
            recipient=self._hash(Scope.RECIPIENT, f"{local}@{mailbox.domain}"),
            domain=self._hash(Scope.DOMAIN, mailbox.domain),
        )

    def of_domain(self, domain: str) -> bytes:
        """Returns the hash of a domain, in A-labels or not; raises AddressNotSupported."""
        return self.hashes_of(f"{_PROBE}@{domain}").domain

    def of_target(self, target: str) -> tuple[Scope, bytes]:
        """Returns what an operator wrote, an address or a domain, as scope and hash; raises AddressNotSupported."""
        target = target.strip().removesuffix(".")
        if "@" in target.removeprefix("@"):
            return Scope.RECIPIENT, self.hashes_of(target).recipient
        if "." not in target:
            raise AddressNotSupported
        return Scope.DOMAIN, self.of_domain(target.removeprefix("@"))

    def _hash(self, scope: Scope, canonical: str) -> bytes:
        return hmac.digest(self._key, f"{scope}:{canonical}".encode(), hashlib.sha256)
