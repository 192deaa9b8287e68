"""② Ask what became of a request, with the receipt that was given for it; needs no login, tells no address."""

from __future__ import annotations

from dataclasses import dataclass

from auth_service.db.letters import find_progress
from auth_service.db.transactions import Transactions
from auth_service.domain.receipt import Progress, progress_of
from auth_service.errors import UnknownReceipt
from auth_service.security.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReceipt:
    """A person, or the application for them, follows a letter."""

    transactions: Transactions

    def __call__(self, receipt: Secret) -> Progress:
        """Returns what the receipt tells; raises UnknownReceipt or DatabaseUnavailable."""
        with self.transactions.begin() as session:
            found = find_progress(session, receipt.digest)
        if found is None:
            raise UnknownReceipt
        return progress_of(found)
