"""Access tokens: JWTs by RFC 9068, signed with ES256, for at most fifteen minutes. JOSE is the library's, `joserfc`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
"""Clocks of machines that keep time differ by less."""

_NEEDED: Final = ClaimsOption(essential=True)


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
        self._claims = JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub=_NEEDED,
            exp=_NEEDED,
            iat=_NEEDED,
            jti=_NEEDED,
            sid=_NEEDED,
            client_id=_NEEDED,
            auth_time=_NEEDED,
            amr=_NEEDED,
        )

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

    def read(self, token: str) -> Bearer:
        """Returns whom the token stands for; raises NotSignedIn for one that is not ours, or not good now."""
        if len(token) > MAX_LENGTH:
            raise NotSignedIn
        try:
            decoded = jwt.decode(token, self._known, [ALGORITHM])
            # Other JWTs may be signed with the same keys one day: none of them is an access token (RFC 8725 section 3.11).
            if decoded.header.get("typ") != TYPE or "kid" not in decoded.header:
                raise NotSignedIn
            self._claims.validate(decoded.claims)
            return _bearer(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError, OverflowError):
            raise NotSignedIn from None


def _bearer(claims: Mapping[str, Any]) -> Bearer:
    return Bearer(
        account_id=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        client_id=str(claims["client_id"]),
        amr=tuple(map(str, claims["amr"])),
        auth_time=datetime.fromtimestamp(claims["auth_time"], UTC),
    )
