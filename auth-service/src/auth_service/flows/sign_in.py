"""② Sign in with a password. Whatever is wrong is one answer, after the same work: nothing tells whether there is an account."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import structlog

from auth_service.account_errors import NotSignedIn, RefusedSignIn, WrongPassword
from auth_service.db import audit
from auth_service.db.accounts import Credentials, find_credentials, find_credentials_of, replace_hash
from auth_service.db.password_kinds import find_password_kinds
from auth_service.db.sessions import prove_again
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.audit import STRANGER, AuditAction, AuditResult, account_actor
from auth_service.domain.password_policy import normalized
from auth_service.domain.session import Client, Method
from auth_service.errors import TooBusy
from auth_service.flows.admit_sign_in import AdmitSignIn, Attempt
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.sessions import Access, Grant, Sessions
from auth_service.security.passwords import Passwords
from auth_service.security.secrets import KeyedHash

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A person types an address and a password, or the password once more."""

    transactions: Transactions
    passwords: Passwords
    sessions: Sessions
    admit: AdmitSignIn
    keyed_hash: KeyedHash

    def __call__(self, address: Address, password: str, client: Client, *, source: str) -> Grant:
        """Opens a session.

        Args:
            address: parsed.
            password: as typed.
            client: with what, and from which network address.
            source: the name under which that is counted; it was let in.

        Raises:
            RefusedSignIn: whatever the reason.
            TooBusy: no turn to hash in time.
            DatabaseUnavailable: perhaps signed in, perhaps not.
        """
        with self.transactions.begin() as session:
            found = find_credentials(session, address.canonical, source=source)
            kinds = find_password_kinds(session)
        known_from = source if found is not None and found.knows_source else None
        attempt = self.admit.begin(source, address.canonical, known_from=known_from)
        current = self._verify(found, password, attempt, kinds)
        with self.transactions.begin() as session:
            grant = None
            if found is not None and current is not None:
                if found.password_hash is not None and current != found.password_hash:
                    replace_hash(session, found.id, old=found.password_hash, new=current)
                grant = self.sessions.open(
                    session, found.id, amr=[Method.PASSWORD], client=client, password_hash=current
                )
            if grant is None and not attempt.within:
                audit.record_nothing(session)
            elif grant is None:
                # For an unknown address, too: it takes as long.
                audit.record(
                    session,
                    AuditAction.SIGN_IN,
                    actor=STRANGER,
                    target=self.keyed_hash.recipient_tag(address.canonical) if found is None else found.id,
                    result=AuditResult.REFUSED,
                )
        if grant is None:
            self.admit.wrong()
            _log.info("sign_in_refused")
            raise RefusedSignIn
        self.admit.take_back(attempt)
        return grant

    def again(self, signed_in: SignedIn, password: str, *, source: str) -> Access:
        """Has a signed-in person prove once more who they are; returns an access token that says so.

        Raises:
            WrongPassword: or the account has none, or too many were wrong before.
            NotSignedIn: the session ended meanwhile.
            RateLimited: too many wrong ones from this source.
            TooBusy: no turn to hash in time.
            DatabaseUnavailable: perhaps proved, perhaps not.
        """
        self.compare(signed_in.session.account_id, password, source=source, signed_in=signed_in)
        methods = [*map(Method, signed_in.session.amr), Method.PASSWORD]
        with self.transactions.begin() as session:
            proved = prove_again(session, signed_in.session.id, amr=list(dict.fromkeys(methods)))
        if proved is None:
            raise NotSignedIn
        return self.sessions.access_for(proved, now=proved.auth_time)

    def compare(self, account_id: UUID, password: str, *, source: str, signed_in: SignedIn | None) -> str:
        """Compares a password with that of an account whose person is known by more than its address; returns the hash it fits.

        No proof of work is asked for, however many passwords are wrong everywhere: who has a session or a link is no stranger.

        Args:
            account_id: whose.
            password: as typed.
            source: the network it came from, by the name under which that is counted.
            signed_in: by which session, if by one: what is wrong elsewhere does not count against it.

        Raises:
            WrongPassword: or the account has none, or too many were wrong before.
            NotSignedIn: the account is gone.
            RateLimited: too many wrong ones from this source.
            TooBusy: no turn to hash in time.
            DatabaseUnavailable: it cannot be said.
        """
        self.admit.count(source)
        with self.transactions.begin() as session:
            found = find_credentials_of(session, account_id, source=source)
        if found is None:
            raise NotSignedIn
        known_from = source if found.knows_source else None
        if signed_in is not None:
            known_from = f"session {signed_in.session.id}"
        attempt = self.admit.begin(source, found.canonical_email, known_from=known_from)
        right = self._verify(found, password, attempt, kinds=()) is not None
        if attempt.within:
            with self.transactions.begin() as session:
                audit.record(
                    session,
                    AuditAction.REAUTHENTICATE,
                    actor=STRANGER if signed_in is None else account_actor(account_id),
                    target=account_id,
                    result=AuditResult.DONE if right else AuditResult.REFUSED,
                )
        if found.password_hash is None or not right:
            self.admit.wrong()
            raise WrongPassword
        self.admit.take_back(attempt)
        return found.password_hash

    def _verify(
        self, found: Credentials | None, password: str, attempt: Attempt, kinds: Collection[str]
    ) -> str | None:
        """Returns the hash that is to be kept of a password that is right; one of each kind is computed whatever is found."""
        encoded = None if found is None else found.password_hash
        try:
            right = self.passwords.verify(encoded, password, kinds=kinds)
            if found is None or encoded is None or not right or not attempt.within or found.disabled_at:
                return None
            if self.passwords.is_outdated(encoded):
                salt = self.keyed_hash.password_salt(found.canonical_email)
                return self.passwords.hash(normalized(password), salt=salt)
        except TooBusy:
            self.admit.take_back(attempt)
            raise
        return encoded
