"""② Another password, or the first one, chosen by whoever is signed in: everybody else is signed out, and the mailbox is told."""

from __future__ import annotations

from dataclasses import dataclass

from auth_service.account_errors import NotSignedIn
from auth_service.db.account_changes import set_password
from auth_service.db.audit import record
from auth_service.db.transactions import Transactions
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.domain.password_policy import normalized
from auth_service.domain.session import SessionEnd
from auth_service.flows.account_in_hand import shut_other_ways_in, take_in_hand
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.confirm_identity import ConfirmIdentity, Proof, require_unchanged
from auth_service.flows.verify_address import CheckPassword
from auth_service.security.passwords import Passwords
from auth_service.security.secrets import KeyedHash


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword:
    """A signed-in person chooses a password."""

    transactions: Transactions
    passwords: Passwords
    keyed_hash: KeyedHash
    letters: AccountLetters
    identity: ConfirmIdentity

    def __call__(self, signed_in: SignedIn, password: str, *, check: CheckPassword, proof: Proof) -> None:
        """Sets the password; the session that asks goes on.

        Args:
            signed_in: who.
            password: of the right length.
            check: what it must pass for the account's address.
            proof: that it is them.

        Raises:
            CurrentPasswordNeeded, WrongPassword, RecentSignInNeeded, NotSignedIn: it is not proved that it is them.
            TooBusy: no turn to hash in time; nothing is changed.
            DatabaseUnavailable: perhaps changed, perhaps not.
        """
        account = self.identity(signed_in, proof)
        check(password, account.address)
        salt = self.keyed_hash.password_salt(account.canonical_email)
        password_hash = self.passwords.hash(normalized(password), salt=salt)
        with self.transactions.begin() as session:
            held = take_in_hand(session, account.id, self.keyed_hash, gone=NotSignedIn)
            require_unchanged(session, signed_in, account, held.account)
            set_password(session, account.id, password_hash)
            shut_other_ways_in(
                session,
                account.id,
                SessionEnd.PASSWORD_CHANGED,
                now=held.now,
                keep=signed_in.session.id,
            )
            device = proof.client.device
            self.letters.password_changed(session, held.account, now=held.now, device=device)
            actor = account_actor(account.id)
            record(session, AuditAction.PASSWORD_CHANGE, actor=actor, target=account.id)
