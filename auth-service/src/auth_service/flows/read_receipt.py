"""② Ask what became of a letter, with the receipt that was given for it; needs no login, tells no address."""

from __future__ import annotations

from dataclasses import dataclass

from auth_service.errors import UnknownReceipt
from auth_service.security.secrets import Secret
from auth_service.store.letters import Progress, find_progress
from auth_service.store.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReceipt:
    """A person, or the application for them, follows a letter. A decoy's receipt reads as any other."""

    transactions: Transactions

    def __call__(self, receipt: Secret) -> Progress:
        """Returns the progress; raises UnknownReceipt or DatabaseUnavailable."""
        with self.transactions.begin() as session:
            progress = find_progress(session, receipt.digest)
        if progress is None:
            raise UnknownReceipt
        return progress
