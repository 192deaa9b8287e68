"""People who sign in to an API in this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from uuid import UUID, uuid4

from werkzeug.test import TestResponse

from auth_service.domain.password_policy import normalized
from auth_service.security.passwords import Passwords
from support.auth_api import HASH_KEY, PASSWORD, AuthApi

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SESSIONS, REFRESH, REVOKE = "/v1/sessions", "/v1/sessions/refresh", "/v1/sessions/revoke"
CURRENT, REAUTHENTICATE = "/v1/sessions/current", "/v1/sessions/current/reauthenticate"


class _Silent:
    def queued(self) -> None: ...
    def begun(self) -> None: ...
    def computed(self, seconds: float, waited: float) -> None: ...

    def refused(self) -> None: ...


@cache
def hash_of(password: str) -> str:
    """What is kept of a password; with a salt of nobody's address."""
    passwords = Passwords(at_once=1, wait_seconds=10, observer=_Silent())
    return passwords.hash(normalized(password), salt=HASH_KEY.encode()[:16])


def add_account(api: AuthApi, email: str, password: str | None = PASSWORD) -> UUID:
    """An account as it is after a registration was confirmed, without the work of one."""
    id_ = uuid4()
    api.sql(
        "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
        " VALUES (%s, %s, lower(%s), %s, 'en', now())",
        str(id_),
        email,
        email,
        None if password is None else hash_of(password),
    )
    return id_


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session as its person has it."""

    api: AuthApi
    access_token: str
    refresh_token: str

    @classmethod
    def of(cls, api: AuthApi, answer: TestResponse) -> Self:
        assert answer.status_code in {200, 201}, answer.text
        body = answer.get_json()
        return cls(api=api, access_token=body["access_token"], refresh_token=body["refresh_token"])

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> TestResponse:
        """A request with the access token."""
        client = self.api.app.test_client()
        headers = {"Authorization": f"Bearer {self.access_token}"}
        return client.open(path, method=method, json=body, headers=headers)

    def refresh(self) -> TestResponse:
        """A request for the next access token."""
        return self.api.post(REFRESH, {"refresh_token": self.refresh_token})

    @property
    def is_open(self) -> bool:
        """Whether the access token opens anything."""
        return self.call("GET", SESSIONS).status_code == 200


def sign_in(api: AuthApi, email: str, password: str = PASSWORD, **headers: str) -> SignedIn:
    """Sign in as a person does, with Firefox on Linux."""
    body = {"email": email, "password": password}
    return SignedIn.of(api, api.post(SESSIONS, body, **({"User_Agent": FIREFOX} | headers)))
