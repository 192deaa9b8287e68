"""② A browser comes back: its cookie holds a refresh token that is never used up, so that it needs no script to be kept alive.

As one that was used it opens nothing here: whoever sent it to `/v1/sessions/refresh` has taken it out of the browser. It comes back
from there, so two have it, and the session ends for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from auth_service.db.browser_sessions import find_open_by_token
from auth_service.db.sessions import touch
from auth_service.db.transactions import Transactions
from auth_service.domain.session import OWN_CLIENT
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.sessions import Sessions
from auth_service.security.secrets import Secret

_WRITE_AFTER: Final = timedelta(minutes=1)
"""A session's last use is known to the minute; pages that are asked for one after the other write once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueSession:
    """Finds whose browser it is."""

    transactions: Transactions
    sessions: Sessions

    def __call__(self, token: Secret, *, source: str) -> SignedIn | None:
        """Returns who is signed in with this refresh token, if it was never used and its session is open.

        Args:
            token: from the cookie.
            source: the network address, as the person is shown it.

        Raises:
            DatabaseUnavailable: whether it is cannot be said.
        """
        with self.transactions.begin() as session:
            found = find_open_by_token(session, token.digest)
            if found is None:
                self.sessions.end_if_reused(session, token)
                return None
            opened, now = found
            if opened.client_id != OWN_CLIENT:
                return None  # An application's, which would open here what it may not.
            if now - opened.last_used_at > _WRITE_AFTER or opened.source != source:
                touched = touch(session, opened.id, lifetimes=self.sessions.lifetimes, source=source)
                return None if touched is None else SignedIn(session=touched, now=now)
        return SignedIn(session=opened, now=now)
