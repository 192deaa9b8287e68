"""② The new mailbox's reader confirms it: the account has that address from now on, and the old one is told, with a way back.

Reading the mailbox does not prove whose account it is to be the address of: somebody else may have asked for the change on an account
of theirs. So it takes two things, the link and the account's open session or its password.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auth_service.account_errors import SignInNeeded, WrongPassword
from auth_service.db.account_changes import lock_account, set_address
from auth_service.db.account_tokens import void_account_tokens
from auth_service.db.audit import record
from auth_service.db.email_changes import confirm_email_change
from auth_service.db.mailboxes import lock_mailboxes
from auth_service.db.registrations import overtake_registrations
from auth_service.db.tokens import use_token
from auth_service.db.transactions import Transactions
from auth_service.domain.account import Account
from auth_service.domain.address import masked
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.domain.one_time_token import Purpose
from auth_service.errors import AlreadyConfirmed, DatabaseUnavailable, UnknownLink, UsedLink, VoidLink
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.account_links import change_of, find_link, require_good
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.confirm_identity import Proof, require_open
from auth_service.flows.sign_in import SignIn
from auth_service.security.secrets import KeyedHash, Secret

_PURPOSE: Final = Purpose.CONFIRM_EMAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmEmail:
    """A person presses the button of the link's page. No session begins or ends by it."""

    transactions: Transactions
    keyed_hash: KeyedHash
    letters: AccountLetters
    sign_in: SignIn

    def __call__(self, link: Secret, *, signed_in: SignedIn | None, proof: Proof) -> str:
        """Uses the link up; returns the new address, and the same again for ten minutes.

        Args:
            link: of the letter.
            signed_in: by a session of whichever account, if by one.
            proof: the account's password, if one was sent; and with what the link is used.

        Raises:
            UnknownLink: never one of ours, or forgotten, or its account is shut.
            UsedLink, ExpiredLink, VoidLink: no more; used also if the change was taken back within the ten minutes.
            SignInNeeded: not signed in to that account, and no password was sent; nothing is used up.
            WrongPassword: of that account, or too many were wrong before; nothing is used up.
            NotSignedIn: the session ended meanwhile.
            AlreadyConfirmed: another account has the address by now.
            RateLimited: too many wrong passwords from this source.
            TooBusy: no turn to hash in time; nothing is used up.
            DatabaseUnavailable: perhaps used, perhaps not; the same request may be sent again.
        """
        with self.transactions.begin() as session:
            token = find_link(session, link, _PURPOSE)
            change = change_of(session, token)
        if token.repeatable and change.reverted_at is None:
            return change.email
        require_good(token)
        by_session = signed_in is not None and signed_in.session.account_id == change.account_id
        checked = None if by_session else self._check(token.account, proof)
        seen = token.account.canonical_email
        tags = {change.recipient_tag, self.keyed_hash.recipient_tag(seen)}
        with self.transactions.begin() as session:
            now = lock_mailboxes(session, tags)
            before = lock_account(session, change.account_id)
            if before is None:
                raise UnknownLink
            if by_session and signed_in is not None:
                require_open(session, signed_in)
            elif before.password_hash != checked:
                raise WrongPassword
            token = find_link(session, link, _PURPOSE)
            if token.repeatable and change_of(session, token).reverted_at is None:
                return change.email
            require_good(token)
            if before.canonical_email != seen:
                raise DatabaseUnavailable
            if not use_token(session, token):
                raise UsedLink
            if not confirm_email_change(session, change.id):
                raise VoidLink
            # Decided only now: when it was asked for the address may have been free, and another change may have won since.
            if not set_address(session, change.account_id, change.new):
                raise AlreadyConfirmed
            overtake_registrations(session, change.canonical_email)
            # What was sent to the old mailbox opens nothing any more.
            void_account_tokens(session, change.account_id)
            self.letters.email_changed(session, before, change, now=now, device=proof.client.device)
            actor = account_actor(before.id)
            record(session, AuditAction.EMAIL_CHANGE, actor=actor, target=before.id)
        return change.email

    def _check(self, account: Account, proof: Proof) -> str:
        if proof.password is None:
            raise SignInNeeded(masked(account.email))
        return self.sign_in.compare(account.id, proof.password, source=proof.source, signed_in=None)
