"""Access tokens: JWTs by RFC 9068, signed with ES256, for at most fifteen minutes. JOSE is the library's, `joserfc`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from auth_service.account_errors import NotSignedIn
from auth_service.security.token_keys import ALGORITHM, TokenKeys

TYPE: Final = "at+jwt"
MAX_LENGTH: Final = 2048
"""Characters; ours have about 700."""

_LEEWAY_SECONDS: Final = 10
"""A database that took over from another may keep time as little differently."""

_NEEDED: Final = ClaimsOption(essential=True)
_NOT_OURS: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Whom an access token stands for.

    Attributes:
        account_id: `sub`.
        session_id: `sid`; it may have ended meanwhile.
        client_id: of the application it was given to.
        amr: how they signed in (RFC 8176).
        auth_time: when they last proved who they are.
    """

    account_id: UUID
    session_id: UUID
    client_id: str
    amr: Sequence[str]
    auth_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedClaims:
    """What an access token of ours says, good at some time or other.

    Attributes:
        session_id: `sid`.
        claims: all.
    """

    session_id: UUID
    claims: Mapping[str, Any] = field(repr=False)


class AccessTokens:
    """Makes and reads access tokens.

    Args:
        keys: the current one signs; all verify.
        issuer: `iss`, the public address of this service.
        audience: `aud`, for whom tokens are.
        lifetime: how long a token is good.
    """

    def __init__(self, *, keys: TokenKeys, issuer: str, audience: str, lifetime: timedelta) -> None:
        self._current = keys.current
        self._header = {"alg": ALGORITHM, "typ": TYPE, "kid": keys.current.kid}
        self._known = KeySet.import_key_set({"keys": [key.public() for key in keys.keys]})
        self._issuer = issuer
        self._audience = audience
        self.lifetime = lifetime
        self._claims: Mapping[str, ClaimsOption] = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": audience},
            **dict.fromkeys(("sub", "exp", "iat", "jti", "sid", "client_id", "auth_time", "amr"), _NEEDED),
        }

    def issue(self, bearer: Bearer, *, now: datetime) -> str:
        """Returns a token for this bearer; `now` is the database's time."""
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(bearer.account_id),
            "client_id": bearer.client_id,
            "sid": str(bearer.session_id),
            "jti": str(uuid4()),
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "auth_time": int(bearer.auth_time.timestamp()),
            "amr": list(bearer.amr),
        }
        return jwt.encode(self._header, claims, self._current.pair, [ALGORITHM])

    def decode(self, token: str) -> SignedClaims:
        """Returns what the token says; raises NotSignedIn for one that is not ours."""
        if len(token) > MAX_LENGTH:
            raise NotSignedIn
        try:
            decoded = jwt.decode(token, self._known, [ALGORITHM])
            # Other JWTs may be signed with the same keys one day: none of them is an access token (RFC 8725 section 3.11).
            if decoded.header.get("typ") != TYPE or "kid" not in decoded.header:
                raise NotSignedIn
            return SignedClaims(session_id=UUID(decoded.claims["sid"]), claims=decoded.claims)
        except _NOT_OURS:
            raise NotSignedIn from None

    def read(self, signed: SignedClaims, *, now: datetime) -> Bearer:
        """Returns whom the token stands for; raises NotSignedIn for one that is not good now, by the clock that it was made by."""
        registry = JWTClaimsRegistry(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS, **self._claims)
        try:
            registry.validate(dict(signed.claims))
            return _bearer(signed.claims)
        except _NOT_OURS:
            raise NotSignedIn from None


def _bearer(claims: Mapping[str, Any]) -> Bearer:
    return Bearer(
        account_id=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        client_id=str(claims["client_id"]),
        amr=tuple(map(str, claims["amr"])),
        auth_time=datetime.fromtimestamp(claims["auth_time"], UTC),
    )
