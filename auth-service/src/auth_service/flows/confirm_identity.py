"""② Before an account changes for good, its person proves once more who they are: by the password, or by a recent sign-in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from auth_service.account_errors import CurrentPasswordNeeded, NotSignedIn, WrongPassword
from auth_service.db.account_changes import find_account_by_id
from auth_service.db.sessions import find_open
from auth_service.db.transactions import Transactions
from auth_service.domain.account import Account
from auth_service.domain.session import Client
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.sign_in import SignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a signed-in person sends to prove it.

    Attributes:
        password: as typed; None if none was sent.
        client: with what, and from which network address.
        source: the name under which that is counted.
    """

    password: str | None = field(repr=False)
    client: Client
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmIdentity:
    """An account with a password asks for it; one without has nothing to ask for but a recent sign-in."""

    transactions: Transactions
    sign_in: SignIn

    def __call__(self, signed_in: SignedIn, proof: Proof) -> Account:
        """Returns the account as it was then; its password's hash is the one that was compared, if one was.

        Whoever changes the account asks once more with it locked: `require_unchanged`.

        Raises:
            CurrentPasswordNeeded: it has a password, and none was sent.
            WrongPassword: or too many were wrong before.
            RecentSignInNeeded: it has none, and the sign-in is too long ago.
            NotSignedIn: the account is gone.
            RateLimited: too many wrong ones from this source.
            TooBusy, DatabaseUnavailable: it cannot be said.
        """
        with self.transactions.begin() as session:
            account = find_account_by_id(session, signed_in.session.account_id)
        if account is None:
            raise NotSignedIn
        if account.password_hash is None:
            signed_in.recent()
        elif proof.password is None:
            raise CurrentPasswordNeeded
        else:
            compared = self.sign_in.compare(
                account.id, proof.password, source=proof.source, signed_in=signed_in
            )
            return replace(account, password_hash=compared)
        return account


def require_unchanged(session: Session, signed_in: SignedIn, proved: Account, locked: Account) -> None:
    """Asks once more, with the account locked, what was true before: a reset that was committed meanwhile stops what it should.

    Args:
        session: of the flow.
        signed_in: who changes the account.
        proved: the account as ConfirmIdentity returned it.
        locked: the account as it is now.

    Raises:
        NotSignedIn: the session ended meanwhile.
        WrongPassword: what was compared is the account's password no more.
    """
    require_open(session, signed_in)
    if locked.password_hash != proved.password_hash:
        raise WrongPassword


def require_open(session: Session, signed_in: SignedIn) -> None:
    """Raises NotSignedIn if the session has ended; to be called with the account locked, as whoever ends all sessions has it."""
    if find_open(session, signed_in.session.id) is None:
        raise NotSignedIn
