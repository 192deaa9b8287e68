"""The settings of sessions and access tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from auth_service.domain.session import Lifetimes
from auth_service.security.access_tokens import AccessTokens
from auth_service.security.token_keys import LONGEST_LIFE, TokenKeys
from service_runtime.setting_types import ProcessSettings, holds_keys

_MOST_MINUTES = int(LONGEST_LIFE.total_seconds()) // 60


class SessionSettings(ProcessSettings):
    """What it takes to open sessions.

    Attributes:
        token_keys: JWK set, private P-256, with the roles that `auth-service keys rotate` gives.
        audience: for whom access tokens are; the public URL if it is not given.
        access_token_minutes: how long an access token is good.
        session_idle_days: how long a session stays open that nobody uses.
        session_days: how long at most.
    """

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    token_keys: Annotated[SecretStr, holds_keys(TokenKeys.from_json)]
    audience: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$")] | None = None
    access_token_minutes: Annotated[int, Field(ge=1, le=_MOST_MINUTES)] = _MOST_MINUTES
    session_idle_days: Annotated[int, Field(ge=1, le=400)] = 14
    session_days: Annotated[int, Field(ge=1, le=400)] = 90

    def keys(self) -> TokenKeys:
        """Returns the keys of access tokens, without the retired ones whose time is over."""
        return self._all_keys().still_good(datetime.now(UTC))

    def outlived_keys(self) -> Sequence[str]:
        """Returns the ids of those left out: their rotation was not ended."""
        return [key.kid for key in self._all_keys().outlived(datetime.now(UTC))]

    def _all_keys(self) -> TokenKeys:
        return TokenKeys.from_json(self.token_keys.get_secret_value())

    def access_tokens(self, issuer: str, audiences: Mapping[str, str]) -> AccessTokens:
        """Returns what makes and reads access tokens of this service.

        Args:
            issuer: its public address.
            audiences: of applications, by their id.
        """
        return AccessTokens(
            keys=self.keys(),
            issuer=issuer,
            audience=self.audience or issuer,
            lifetime=timedelta(minutes=self.access_token_minutes),
            audiences=audiences,
        )

    @property
    def session_lifetimes(self) -> Lifetimes:
        """How long sessions live."""
        return Lifetimes(
            idle=timedelta(days=self.session_idle_days), absolute=timedelta(days=self.session_days)
        )
