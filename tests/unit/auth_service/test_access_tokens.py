"""Access tokens: what is in them, and everything that is not one of ours."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from auth_service.account_errors import NotSignedIn
from auth_service.security.access_tokens import MAX_LENGTH, AccessTokens, Bearer
from auth_service.security.token_keys import TokenKeys
from support.tokens import claims_verified_with, part

NOW = datetime.now(UTC).replace(microsecond=0)
ISSUER, AUDIENCE = "https://accounts.example.com", "https://shop.example.com"
KEYS = TokenKeys.new(NOW)
OTHER_KEYS = TokenKeys.new(NOW)
BEARER = Bearer(
    account_id=uuid4(), session_id=uuid4(), client_id="shop", amr=("pwd",), auth_time=NOW - timedelta(hours=1)
)


def tokens(keys: TokenKeys = KEYS, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> AccessTokens:
    return AccessTokens(keys=keys, issuer=issuer, audience=audience, lifetime=timedelta(minutes=15))


def read(token: str, now: datetime = NOW) -> Bearer:
    ours = tokens()
    return ours.read(ours.decode(token), now=now)


def test_a_token_says_what_rfc_9068_asks_for_and_is_read_again() -> None:
    token = tokens().issue(BEARER, now=NOW)

    assert part(token, 0) == {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.current.kid}
    claims = claims_verified_with(KEYS.public(), token)
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(BEARER.account_id),
        "sid": str(BEARER.session_id),
        "client_id": "shop",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 900,
        "auth_time": int(NOW.timestamp()) - 3600,
        "amr": ["pwd"],
    }
    assert read(token) == BEARER
    assert len(token) < MAX_LENGTH


def test_no_two_tokens_are_the_same() -> None:
    assert tokens().issue(BEARER, now=NOW) != tokens().issue(BEARER, now=NOW)


@pytest.mark.parametrize("off", [timedelta(hours=-5), timedelta(hours=5)])
def test_the_clock_a_token_was_made_by_decides_and_not_this_machines(off: timedelta) -> None:
    token = tokens().issue(BEARER, now=NOW + off)
    assert read(token, NOW + off) == BEARER
    assert read(token, NOW + off + timedelta(minutes=15)) == BEARER
    for wrong in (timedelta(minutes=-1), timedelta(minutes=16)):
        with pytest.raises(NotSignedIn):
            read(token, NOW + off + wrong)


def signed(header: dict[str, Any], claims: dict[str, Any], key: ECKey | OctKey) -> str:
    return jwt.encode(header, claims, key, [header["alg"]], default_type=None)


def changed(claims: dict[str, Any], **header: Any) -> str:
    """A token of ours with other claims, signed with our key; a claim that is None is left out."""
    ours = tokens().issue(BEARER, now=NOW)
    merged = {name: value for name, value in (part(ours, 1) | claims).items() if value is not None}
    named = {name: value for name, value in (part(ours, 0) | header).items() if value is not None}
    return signed(named, merged, KEYS.current.pair)


def with_public_key_as_secret() -> str:
    secret = OctKey.import_key(json.dumps(KEYS.public()["keys"][0]))
    return signed({"alg": "HS256", "typ": "at+jwt", "kid": KEYS.current.kid}, part(changed({}), 1), secret)


def unsigned() -> str:
    header, claims, _ = changed({}).split(".")
    return f"{'eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0'}.{claims}." if header else ""


def of_another_token() -> str:
    mine, other = changed({}), changed({"sub": str(uuid4())})
    return ".".join([*mine.split(".")[:2], other.split(".")[2]])


STRANGE: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no token": lambda: "a.b.c",
    "much": lambda: "a" * 100_000,
    "another service's keys": lambda: tokens(OTHER_KEYS).issue(BEARER, now=NOW),
    "another issuer": lambda: tokens(issuer="https://evil.example").issue(BEARER, now=NOW),
    "another audience": lambda: tokens(audience="https://evil.example").issue(BEARER, now=NOW),
    "too old": lambda: tokens().issue(BEARER, now=NOW - timedelta(minutes=16)),
    "of the future": lambda: tokens().issue(BEARER, now=NOW + timedelta(minutes=1)),
    "not yet": lambda: changed({"nbf": int(NOW.timestamp()) + 60}),
    "never ending": lambda: changed({"exp": None}),
    "an end that is no number": lambda: changed({"exp": "soon"}),
    "another kind": lambda: changed({}, typ="JWT"),
    "no kind": lambda: changed({}, typ=None),
    "no key named": lambda: changed({}, kid=None),
    "no session": lambda: changed({"sid": None}),
    "a subject that is no id": lambda: changed({"sub": "linh"}),
    "times too large": lambda: changed({"auth_time": 10**30}),
    "unsigned": unsigned,
    "our public key as a secret": with_public_key_as_secret,
    "another token's signature": of_another_token,
}


@pytest.mark.parametrize("what", STRANGE)
def test_what_is_not_a_good_token_of_ours_signs_nobody_in(what: str) -> None:
    with pytest.raises(NotSignedIn):
        read(STRANGE[what]())


def test_a_stranger_with_other_keys_reads_nothing() -> None:
    token = tokens(OTHER_KEYS).issue(BEARER, now=NOW)
    jwks = {"keys": [{**KEYS.public()["keys"][0], "kid": OTHER_KEYS.current.kid}]}
    with pytest.raises(InvalidSignature):
        claims_verified_with(jwks, token)
