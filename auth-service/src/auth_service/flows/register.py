"""② Register: the account and its letter come to be together or not at all, and a taken address answers alike."""

from __future__ import annotations

from dataclasses import dataclass

from auth_service.domain.account import Standing, standing_of
from auth_service.domain.address import Address
from auth_service.domain.password_policy import normalized
from auth_service.flows.sign_up_letters import Recipient, SignUpLetters
from auth_service.security.passwords import Passwords
from auth_service.security.secrets import Secret
from auth_service.store.accounts import register_address
from auth_service.store.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A person asks for an account.

    An unverified account of this address takes the new password, and what was sent before proves nothing any more: so a
    stranger who registered it first gains nothing when its owner comes. A verified one stays as it is; its owner is told.
    """

    transactions: Transactions
    passwords: Passwords
    letters: SignUpLetters

    def __call__(self, address: Address, password: str, *, locale: str) -> Secret:
        """Returns the receipt of the letter.

        Args:
            address: parsed.
            password: one in which `find_flaw` found none.
            locale: BCP 47, the language of the letter.

        Raises:
            TooBusy: no turn to hash in time.
            DatabaseUnavailable: nothing was promised.
        """
        # Hashed for a taken address too, and before the transaction: no lock is held meanwhile.
        password_hash = self.passwords.hash(normalized(password))
        with self.transactions.begin() as session:
            tag = self.letters.tag_of(address)
            account, now = register_address(
                session, address, recipient_tag=tag, password_hash=password_hash, locale=locale
            )
            recipient = Recipient(typed=address.typed, tag=tag, now=now)
            if standing_of(account) is Standing.VERIFIED:
                return self.letters.tell_owner(session, recipient, account)
            return self.letters.ask_for_proof(session, recipient, account)
