"""Errors of the mailer. None ever quotes a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class MailerError(Exception):
    """The mailer could not do its work.

    Attributes:
        sentence: what happened, for whoever reads the log; what it was about follows.
    """

    sentence: ClassVar[str] = "The mailer could not do its work."

    def __init__(self, about: str = "") -> None:
        super().__init__(f"{self.sentence} ({about})" if about else self.sentence)


class LedgerUnavailable(MailerError):
    """The ledger's database does not answer."""

    sentence = "The ledger's database does not answer."


class LetterLocked(LedgerUnavailable):
    """Somebody else held the letter's row for too long."""

    sentence = "Somebody else held the letter's row for too long."


class Requeued(MailerError):
    """The message goes back to its queue, for this replica cannot finish it now."""

    sentence = "The message goes back to its queue, for this replica cannot finish it now."


class UnfitLetter(MailerError):
    """This letter can never be sent as it is.

    Attributes:
        reason: a short token for reports and dead letters.
    """

    sentence = "This letter can never be sent as it is."

    reason = "unfit"


class BadContext(UnfitLetter):
    """The letter's context is not what its templates need."""

    sentence = "The letter's context is not what its templates need."

    reason = "bad_context"


class AddressNotSupported(UnfitLetter):
    """The recipient's address cannot be written in a letter."""

    sentence = "The recipient's address cannot be written in a letter."

    reason = "address_not_supported"


class UnsafeHeader(UnfitLetter):
    """A header would hold something that could become another header."""

    sentence = "A header would hold something that could become another header."

    reason = "unsafe_header"


class Unauthentic(MailerError):
    """The message is not an envelope that auth-service made.

    Attributes:
        reason: a short token for the dead letter.
    """

    sentence = "The message is not an envelope that auth-service made."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BrokenTemplates(MailerError):
    """Templates cannot be made into letters; each is named with its file and the reason."""

    sentence = "Templates cannot be made into letters."

    def __init__(self, flaws: Sequence[str]) -> None:
        super().__init__()
        self.flaws = flaws

    def __str__(self) -> str:
        return "\n  ".join((self.sentence, *self.flaws))


class PictureFailed(MailerError):
    """No picture could be taken of a letter."""

    sentence = "No picture could be taken of a letter."


class BrokerLost(MailerError):
    """The broker does not answer, or closed the connection."""

    sentence = "The broker does not answer, or closed the connection."


class BrokerRefuses(MailerError):
    """The broker does not let this user do that; dead letters are for the user `operator`."""

    sentence = "The broker does not let this user do that; dead letters are for the user `operator`."


class NotTaken(MailerError):
    """The broker did not take what was published; it stays in the dead letters."""

    sentence = "The broker did not take what was published; it stays in the dead letters."
