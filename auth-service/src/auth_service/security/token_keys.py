"""The keys that sign access tokens (ECDSA on P-256), and how one takes the place of another without a token being refused.

A JWK set (RFC 7517) with two members more for each key: `role`, and `since` when it has that one. A new key is published before
it signs, for as long as those who verify tokens may keep an older copy of the set; the old key stays published for as long as
what it signed is good.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from mail_contract.errors import BadKey

ALGORITHM: Final = "ES256"
"""The only one: a token that names another is refused (RFC 8725 section 3.1)."""

PUBLISHED_SECONDS: Final = 300
"""How long others may keep a copy of the public keys."""

LONGEST_LIFE: Final = timedelta(minutes=15)
"""Of an access token, at most."""

RESTART: Final = timedelta(minutes=10)
"""For all API processes to be started anew with a changed set."""

PUBLISH_AHEAD: Final = timedelta(seconds=PUBLISHED_SECONDS) + RESTART
RETIRE_AFTER: Final = LONGEST_LIFE + RESTART
SIGN_FOR: Final = timedelta(days=1)
"""A key signs at least so long before another takes its place: who runs the command once too often changes nothing."""

_CURVE: Final = "P-256"


class KeyRole(StrEnum):
    """What a key is for; each is published."""

    NEXT = "next"
    """Signs nothing yet."""
    CURRENT = "current"
    """Signs."""
    RETIRED = "retired"
    """Signs nothing any more; what it signed is still good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A key pair."""

    role: KeyRole
    since: datetime
    pair: ECKey = field(repr=False)

    @property
    def kid(self) -> str:
        """Its thumbprint (RFC 7638)."""
        return self.pair.thumbprint()

    @classmethod
    def new(cls, role: KeyRole, since: datetime) -> Self:
        """Returns a fresh one."""
        return cls(role=role, since=since, pair=ECKey.generate_key(_CURVE))

    def public(self) -> dict[str, Any]:
        """Returns the JWK that others verify with."""
        return {**self.pair.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": ALGORITHM}

    def private(self) -> dict[str, Any]:
        """Returns the JWK that is kept."""
        return {**self.public(), **self.pair.as_dict(private=True), **self._times()}

    def _times(self) -> dict[str, str]:
        return {"role": self.role.value, "since": self.since.isoformat(timespec="seconds")}


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """All keys of a set; one of them signs."""

    keys: Sequence[TokenKey]

    @classmethod
    def new(cls, now: datetime) -> Self:
        """Returns a set with a key that signs at once: nobody has a copy of an older one."""
        return cls((TokenKey.new(KeyRole.CURRENT, now),))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a set of private keys; raises BadKey."""
        try:
            keys = tuple(_read(jwk) for jwk in json.loads(text)["keys"])
        except (ValueError, KeyError, TypeError, JoseError) as error:
            # The text holds private keys: neither it nor the library's words about it go into the message.
            raise BadKey(f"(a JWK set of private P-256 keys with roles: {type(error).__name__})") from None
        roles = [key.role for key in keys]
        if roles.count(KeyRole.CURRENT) != 1 or roles.count(KeyRole.NEXT) > 1:
            raise BadKey("(one key is `current`, and at most one is `next`)")
        return cls(keys)

    def to_json(self) -> str:
        """Returns the set as it is kept."""
        return json.dumps({"keys": [key.private() for key in self.keys]}, indent=1)

    def public(self) -> Mapping[str, Any]:
        """Returns the set that others verify with."""
        return {"keys": [key.public() for key in self.keys]}

    @property
    def current(self) -> TokenKey:
        """The one that signs."""
        return next(key for key in self.keys if key.role is KeyRole.CURRENT)

    @property
    def upcoming(self) -> TokenKey | None:
        """The one that is to sign next, if it is published already."""
        return next((key for key in self.keys if key.role is KeyRole.NEXT), None)

    @property
    def retired(self) -> Sequence[TokenKey]:
        """Those that signed before."""
        return [key for key in self.keys if key.role is KeyRole.RETIRED]

    def outlived(self, now: datetime) -> Sequence[TokenKey]:
        """Returns the retired ones that no good token is signed with any more."""
        return [key for key in self.retired if key.since + RETIRE_AFTER <= now]

    def still_good(self, now: datetime) -> TokenKeys:
        """Returns the set without these: whoever has an old key could make tokens that they verify."""
        outlived = self.outlived(now)
        return TokenKeys(tuple(key for key in self.keys if key not in outlived))


class Step(StrEnum):
    """What a rotation did, or is to do next."""

    PUBLISH = "publish"
    SIGN = "sign"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """How a rotation stands.

    Attributes:
        step: what comes next, or what was done where `keys` is there.
        due: from when on it may be done.
        keys: the set afterwards; None while it is too early.
    """

    step: Step
    due: datetime
    keys: TokenKeys | None


def rotate(keys: TokenKeys, now: datetime) -> Rotation:
    """Returns the set after the next step of its rotation, if it is time for it: publish, sign, retire."""
    current, upcoming, retired = keys.current, keys.upcoming, keys.retired
    if retired:
        step, due = Step.RETIRE, max(key.since for key in retired) + RETIRE_AFTER
        changed = [key for key in keys.keys if key not in retired]
    elif upcoming is not None:
        step, due = Step.SIGN, upcoming.since + PUBLISH_AHEAD
        changed = [
            replace(upcoming, role=KeyRole.CURRENT, since=now),
            replace(current, role=KeyRole.RETIRED, since=now),
        ]
    else:
        step, due = Step.PUBLISH, current.since + SIGN_FOR
        changed = [current, TokenKey.new(KeyRole.NEXT, now)]
    return Rotation(step=step, due=due, keys=TokenKeys(tuple(changed)) if now >= due else None)


def _read(jwk: Mapping[str, Any]) -> TokenKey:
    pair = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y", "d")})
    if pair.curve_name != _CURVE:
        raise ValueError(_CURVE)
    since = datetime.fromisoformat(jwk["since"])
    if since.tzinfo is None:
        raise ValueError("since")
    return TokenKey(role=KeyRole(jwk["role"]), since=since, pair=pair)
