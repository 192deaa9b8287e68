"""Access tokens: JWTs by RFC 9068, signed with ES256, for at most fifteen minutes. JOSE is the library's, `joserfc`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from auth_service.account_errors import NotSignedIn
from auth_service.domain.session import AccountSession
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
        audiences: for whom those are that an application gets for a code, by its `client_id`.
    """

    def __init__(
        self,
        *,
        keys: TokenKeys,
        issuer: str,
        audience: str,
        lifetime: timedelta,
        audiences: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._current = keys.current
        self._header = {"alg": ALGORITHM, "typ": TYPE, "kid": keys.current.kid}
        self._known = KeySet.import_key_set({"keys": [key.public() for key in keys.keys]})
        self._issuer = issuer
        self._audience = audience
        self._audiences = audiences
        self.lifetime = lifetime
        self._claims: Mapping[str, ClaimsOption] = {
            "iss": {"essential": True, "value": issuer},
            **dict.fromkeys(("sub", "exp", "iat", "jti", "sid", "client_id", "auth_time", "amr"), _NEEDED),
        }

    def audience_of(self, opened: AccountSession) -> str:
        """Returns for whom the tokens of a session are: us, or the application that got it for a code."""
        if not opened.delegated:
            return self._audience
        return self._audiences.get(opened.client_id, opened.client_id)

    def issue(self, bearer: Bearer, *, now: datetime, audience: str | None = None) -> str:
        """Returns a token for this bearer; `now` is the database's time, `audience` for whom it is if not for us."""
        claims = {
            "iss": self._issuer,
            "aud": audience or self._audience,
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

    def read(self, signed: SignedClaims, *, now: datetime, audience: str | None = None) -> Bearer:
        """Returns whom the token stands for; raises NotSignedIn for one that is not good now, by the clock that it was made by."""
        expected: ClaimsOption = {"essential": True, "value": audience or self._audience}
        registry = JWTClaimsRegistry(
            now=int(now.timestamp()), leeway=_LEEWAY_SECONDS, aud=expected, **self._claims
        )
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
