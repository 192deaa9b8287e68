"""② Who calls? An access token is good as long as it says, and as long as its session has not ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from auth_service.account_errors import ApplicationToken, NotSignedIn, RecentSignInNeeded
from auth_service.db.sessions import find_open
from auth_service.db.transactions import Transactions
from auth_service.domain.session import AccountSession
from auth_service.security.access_tokens import AccessTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person who calls.

    Attributes:
        session: by which they do; it was open just now.
        now: by the database's clock.
    """

    session: AccountSession
    now: datetime

    def recent(self, minutes: int = 5) -> None:
        """Raises RecentSignInNeeded if they proved who they are longer ago (RFC 9470)."""
        if self.now - self.session.auth_time > timedelta(minutes=minutes):
            raise RecentSignInNeeded(minutes * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """Reads access tokens."""

    transactions: Transactions
    tokens: AccessTokens

    def __call__(self, token: str, *, delegated: bool = False) -> SignedIn:
        """Returns who calls with this access token.

        Args:
            token: as it came in.
            delegated: whether one will do that an application got for a code: it is shown to that application's own servers,
                and what leaks there must not change an account.

        Raises:
            NotSignedIn: not a good token, or its session has ended.
            ApplicationToken: a good one, but an application's.
            DatabaseUnavailable: whether it has cannot be said.
        """
        signed = self.tokens.decode(token)
        with self.transactions.begin() as session:
            found = find_open(session, signed.session_id)
        if found is None:
            raise NotSignedIn
        opened, now = found
        # By the database's clock, which the token was made by: this machine's may be minutes off.
        read = self.tokens.read(signed, now=now, audience=self.tokens.audience_of(opened))
        if read.account_id != opened.account_id:
            raise NotSignedIn
        if opened.delegated and not delegated:
            raise ApplicationToken
        return SignedIn(session=opened, now=now)
