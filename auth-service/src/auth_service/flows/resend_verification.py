"""② Send the verification letter again, with a new link and code; the older ones are void."""

from __future__ import annotations

from dataclasses import dataclass

from auth_service.domain.account import Standing, standing_of
from auth_service.domain.address import Address
from auth_service.flows.sign_up_letters import SignUpLetters
from auth_service.security.secrets import Secret
from auth_service.store.accounts import lock_by_address
from auth_service.store.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendVerification:
    """A person says that no letter came. Where there is nothing to verify a decoy is written instead."""

    transactions: Transactions
    letters: SignUpLetters

    def __call__(self, address: Address) -> Secret:
        """Returns the receipt of the letter, or of the decoy; raises DatabaseUnavailable."""
        with self.transactions.begin() as session:
            recipient = self.letters.lock(session, address)
            account = lock_by_address(session, address.canonical)
            if account is None or standing_of(account) is Standing.VERIFIED:
                return self.letters.pretend(session, recipient)
            return self.letters.ask_for_proof(session, recipient, account)
