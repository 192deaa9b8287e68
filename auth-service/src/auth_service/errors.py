"""Errors of auth-service; the docstring of each is what the caller is told. Their HTTP status is in `http/statuses.py`."""

from __future__ import annotations


class AuthError(Exception):
    """Something could not be done."""

    def __init__(self) -> None:
        super().__init__(self.sentence())

    @classmethod
    def sentence(cls) -> str:
        """Returns the first line of the docstring: the message for people."""
        return (cls.__doc__ or "").strip().splitlines()[0]


class RequestError(AuthError):
    """A request cannot be granted."""


class InvalidAddress(RequestError):
    """This is not an e-mail address that letters can be sent to."""


class UnknownLink(RequestError):
    """This link is not one of ours; perhaps it was cut when it was copied."""


class UsedLink(RequestError):
    """This link was used already."""


class ExpiredLink(RequestError):
    """This link is too old."""


class ReplacedLink(RequestError):
    """A newer letter was sent; only its link counts."""


class RefusedCode(RequestError):
    """This code does not confirm this address.

    Wrong, old, used, replaced, guessed at too often, or no such registration: all are answered alike.
    """


class UnknownReceipt(RequestError):
    """There is no such receipt."""


class Unavailable(RequestError):
    """The service cannot answer now; the same request may be sent again.

    Attributes:
        retry_after: seconds until that makes sense.
    """

    retry_after = 1


class DatabaseUnavailable(Unavailable):
    """The service cannot reach its memory for the moment; please try again."""

    retry_after = 2


class TooBusy(Unavailable):
    """Too many people are registering at this moment; please try again."""


class AnotherAnnouncement(AuthError):
    """This name belongs to an announcement that says something else; choose another name."""


class NothingToAnnounce(AuthError):
    """There is no announcement of this name; to start one, say what it announces."""


class NotSettled(AuthError):
    """A transaction that began before the announcement is still open in the database; end it and run this again."""


class UnknownLetter(AuthError):
    """There is no letter of this id; it was deleted, or the database is older than the queue."""
