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

    def __call__(self) -> SignedIn:
        """Returns who is signed in; raises NotSignedIn, DatabaseUnavailable."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn
        return self.authenticate(token.strip())

    def if_any(self) -> SignedIn | None:
        """Returns who is signed in, or None where the request says nothing of it; raises the same for a token that is not good."""
        return self() if "Authorization" in request.headers else None
