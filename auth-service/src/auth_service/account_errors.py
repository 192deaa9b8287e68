"""Errors of whoever signs in or is signed in. Their HTTP status is in `http/statuses.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auth_service.errors import RequestError


class RefusedSignIn(RequestError):
    """This does not sign anybody in.

    A wrong password, an unknown, an unconfirmed or a disabled address, or too many wrong ones before: all are answered alike.
    """

    title = "That email or password is wrong."
    detail = "Check both, or reset the password. Perhaps the address isn't confirmed yet: open the link in the email we sent."
    challenge = "Bearer"


class NotSignedIn(RequestError):
    """No access token, or one that is not ours, too old, or of a session that has ended."""

    title = "You're not signed in."
    detail = "Send a good access token as `Authorization: Bearer`; refresh it, or sign in again."
    challenge = 'Bearer error="invalid_token"'


class InvalidRefreshToken(RequestError):
    """Not a refresh token of ours, of a session that has ended, or used before."""

    title = "You've been signed out."
    detail = "Sign in again."
    challenge = 'Bearer error="invalid_token"'


class InvalidCode(RequestError):
    """Not an authorization code of ours, used before, too old, or its browser has signed out since."""

    title = "This code is good no more."
    detail = "Send the person to the authorization endpoint again."


class InvalidClient(RequestError):
    """An application said who it is, and it is not true."""

    title = "This isn't a registered application, or its secret is wrong."
    detail = "Check the client_id and the secret in `Authorization: Basic`, or send none."
    challenge = 'Basic realm="applications"'


class ApplicationToken(RequestError):
    """A good access token, but one that an application got for a code: with it an account is only read."""

    title = "An application can't do this for its people."
    detail = "Its token may read the account and sign out. Send the person to our account page for everything else."
    challenge = 'Bearer error="insufficient_scope"'


class RecentSignInNeeded(RequestError):
    """What was asked for changes the account, and the sign-in is too long ago (RFC 9470).

    Attributes:
        max_age: seconds that it may be ago.
    """

    title = "Confirm that it's you."
    detail = "Send the password to /v1/sessions/current/reauthenticate, or sign in again, and send the same request once more."

    def __init__(self, max_age: int = 300) -> None:
        super().__init__()
        self.max_age = max_age
        self.challenge = f'Bearer error="insufficient_user_authentication", max_age={max_age}'

    def members(self) -> Mapping[str, Any]:
        """Returns how long ago it may be."""
        return {"max_age": self.max_age}


class WrongPassword(RequestError):
    """Of somebody who is signed in: this is not their account's password, or too many were wrong before."""

    title = "That password is wrong."
    detail = "Check it, or reset the password."


class CurrentPasswordNeeded(RequestError):
    """Of somebody who is signed in: the account has a password, and none was sent."""

    title = "Enter your password."
    detail = "Send the account's present password along."


class SignInNeeded(RequestError):
    """A good link to confirm an account's new address, but nothing that says that its account's person uses it.

    Attributes:
        asked_by: the account's address, masked: whoever uses the link reads the new mailbox, and perhaps not the account's.
    """

    title = "Only whoever asked for this change can confirm it."
    detail = (
        "Sign in to the account that asked for this change, or send its password. Nothing is used up yet."
    )

    def __init__(self, asked_by: str = "a…@example.com") -> None:
        super().__init__()
        self.asked_by = asked_by

    def members(self) -> Mapping[str, Any]:
        """Returns whose account it is."""
        return {"asked_by": self.asked_by}


class UnknownSession(RequestError):
    """There is no such session of this account."""

    title = "There is no such session."
    detail = "Send an id that GET /v1/sessions told."
