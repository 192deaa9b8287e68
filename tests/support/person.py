"""A person with an account who is signed in, and what they read of it."""

from typing import Any

from support.auth_api import AuthApi
from support.signed_in import SignedIn, add_account, sign_in


def somebody(api: AuthApi, email: str) -> SignedIn:
    """Has an account, and just signed in with its password."""
    add_account(api, email)
    return sign_in(api, email)


def sign_in_by_letter(api: AuthApi, email: str) -> SignedIn:
    """Signs in by the link of a letter."""
    assert api.post("/v1/sign-in-links", {"email": email}).status_code == 202
    return SignedIn.of(api, api.post("/v1/sign-in-links/confirm", {"token": api.last_letter().link_token}))


def account_of(person: SignedIn) -> dict[str, Any]:
    """Their account as they read it."""
    answer = person.call("GET", "/v1/account")
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def long_ago(api: AuthApi) -> None:
    """Lets everybody's sign-in be an hour ago."""
    api.sql("UPDATE sessions SET auth_time = auth_time - interval '1 hour'")
