"""Errors of auth-service. Their HTTP status is in `http/statuses.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar


class AuthError(Exception):
    """Something could not be done.

    Attributes:
        title: what is wrong, for people.
    """

    title: ClassVar[str] = "Something could not be done."

    def __init__(self) -> None:
        super().__init__(self.title)


class RequestError(AuthError):
    """A request cannot be granted.

    Attributes:
        detail: what to do now.
        retry_after: seconds until the same request makes sense again; None where it never does, or at once.
        challenge: what `WWW-Authenticate` asks for, where signing in would help (RFC 9110 section 11.6.1).
    """

    title = "This request cannot be granted."
    detail: ClassVar[str] = ""
    retry_after: int | None = None
    challenge: str | None = None

    def members(self) -> Mapping[str, Any]:
        """Returns what a client is told beside the words (RFC 9457 section 3.2)."""
        return {}


class InvalidAddress(RequestError):
    """This is not an address that email can be sent to."""

    title = "Enter a valid email address."
    detail = "Use an address such as name@example.com."


class UnknownLink(RequestError):
    """This link is not one of ours; perhaps it was cut when it was copied."""

    title = "This link isn't valid."
    detail = "Open the link in the email again, the whole of it, or enter the code."


class UsedLink(RequestError):
    """This link was used already."""

    title = "This link was used already."
    detail = "If that was you, there is nothing more to do. Otherwise, request a new email."


class ExpiredLink(RequestError):
    """This link is too old."""

    title = "This link has expired."
    detail = "Request a new email."


class ReplacedLink(RequestError):
    """A newer email was sent; only its link counts."""

    title = "This link was replaced by a newer one."
    detail = "Open the link in the newest email."


class VoidLink(RequestError):
    """The account's password or address was changed since, or another link was used."""

    title = "This link doesn't work any more."
    detail = "Your password or your address was changed since. If you still need to, request a new email."


class AlreadyConfirmed(RequestError):
    """Another registration of the address was confirmed, or it had an account."""

    title = "This address is confirmed already."
    detail = "Sign in with the password you chose then."


class RefusedRegistration(RequestError):
    """The mailbox's reader said "this wasn't me"."""

    title = "This registration was refused."
    detail = "Sign up again if it was yours after all."


class PasswordNeeded(RequestError):
    """A good link or code, but what came with it does not say whose password is to count."""

    title = "Choose a password to confirm this address."
    detail = "Send the same again with `password`, or with the `registration_secret` of the registration the email is of. Nothing is used up yet."


class UnknownRegistration(RequestError):
    """Never one of ours, or too old to be remembered."""

    title = "This registration isn't known any more."
    detail = "Sign up again."


class RefusedCode(RequestError):
    """This code does not confirm this address.

    Wrong, old, used, replaced, guessed at too often, or no such registration: all are answered alike.
    """

    title = "That code is wrong or has expired."
    detail = "Check the address and the code, or request a new one."


class UnknownReceipt(RequestError):
    """There is no such receipt."""

    title = "There is no such receipt."
    detail = "Send the receipt exactly as you were given it."


class RateLimited(RequestError):
    """More requests came from one network address than its limit says."""

    title = "Too many requests came from your network."
    detail = "Wait as many seconds as Retry-After says, and try again."

    def __init__(self, retry_after: int = 60) -> None:
        super().__init__()
        self.retry_after = retry_after


class ProofRequired(RequestError):
    """So many people ask for the same thing that each has to prove some work.

    Attributes:
        work: as ALTCHA's clients take it.
        expires_at: until when its solution is taken.
    """

    title = "Very many requests are coming in right now."
    detail = "Solve the challenge, and send the same again with its solution as `proof` (docs/protection.md)."

    def __init__(self, work: Mapping[str, Any] | None = None, *, expires_at: datetime | None = None) -> None:
        super().__init__()
        self.work = work
        self.expires_at = expires_at

    def members(self) -> Mapping[str, Any]:
        """Returns the challenge, and until when its solution is taken."""
        if self.work is None or self.expires_at is None:
            return {}
        expires_at = self.expires_at.isoformat().replace("+00:00", "Z")
        return {"challenge": self.work, "expires_at": expires_at}


class Unavailable(RequestError):
    """The service cannot answer now; the same request may be sent again."""

    title = "The service is temporarily unavailable."
    retry_after = 1


class DatabaseUnavailable(Unavailable):
    """The database is away, frozen or overloaded."""

    title = "We can't reach the database right now."
    detail = "Try again in a moment."

    retry_after = 2


class TooBusy(Unavailable):
    """No turn to hash a password came in time."""

    title = "Too many people are asking at once right now."
    detail = "Try again in a moment."


class AnotherAnnouncement(AuthError):
    """This name belongs to an announcement that says something else; choose another name."""

    title = "This name belongs to an announcement that says something else; choose another name."


class NothingToAnnounce(AuthError):
    """There is no announcement of this name; to start one, say what it announces."""

    title = "There is no announcement of this name; to start one, say what it announces."


class NotSettled(AuthError):
    """A transaction that began before the announcement is still open in the database; end it and run this again."""

    title = "A transaction that began before the announcement is still open in the database; end it and run this again."


class UnknownLetter(AuthError):
    """There is no letter of this id; it was deleted, or the database is older than the queue."""

    title = "There is no letter of this id; it was deleted, or the database is older than the queue."


class NoSuchAccount(AuthError):
    """There is no such account, and nothing that could become it."""

    title = "There is no such account."
