"""① Whose call is it? The access token in `Authorization: Bearer` (RFC 6750); no other place is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from auth_service.account_errors import NotSignedIn
from auth_service.flows.authenticate import Authenticate, SignedIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """Finds out who sent the request in hand."""

    authenticate: Authenticate

    def __call__(self, *, delegated: bool = False) -> SignedIn:
        """Returns who is signed in; raises NotSignedIn, ApplicationToken, DatabaseUnavailable.

        Args:
            delegated: whether a token will do that an application got for a code.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn
        return self.authenticate(token.strip(), delegated=delegated)

    def if_any(self) -> SignedIn | None:
        """Returns who is signed in, or None where the request says nothing of it; raises the same for a token that is not good."""
        scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
        return self() if scheme not in {"", "basic"} else None
