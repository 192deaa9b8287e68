"""② An operator asks what became of somebody's letters; reads only."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from auth_service.db.history import history_of_address, history_of_letter, history_of_receipt
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.history import History
from auth_service.security.secrets import KeyedHash, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """Everything known of what was asked for; empty if that is nothing. Raises DatabaseUnavailable."""

    transactions: Transactions
    keyed_hash: KeyedHash

    def __call__(self, about: Address | Secret | UUID) -> History:
        """Returns the history of an address, of the request with a receipt, or of that a letter is of."""
        with self.transactions.begin() as session:
            match about:
                case Address():
                    tag = self.keyed_hash.recipient_tag(about.canonical)
                    return history_of_address(session, about.canonical, tag)
                case Secret():
                    return history_of_receipt(session, about.digest)
                case UUID():
                    return history_of_letter(session, about)
