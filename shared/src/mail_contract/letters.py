"""The closed set of letters: class, priority, lifetime and typed context of each, and what may become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from mail_contract.classes import LetterClass
from mail_contract.contexts import (
    AccountDeleted,
    AccountDisabled,
    AccountExists,
    ConfirmEmail,
    EmailChanged,
    EmailChangeUndone,
    LetterContext,
    NewSignIn,
    PasswordChanged,
    RegistrationReminder,
    ResetPassword,
    SignInLink,
    SignUpContext,
    TermsChanged,
    VerifyAddress,
)

__all__ = [
    "LETTERS",
    "AccountDeleted",
    "AccountDisabled",
    "AccountExists",
    "ConfirmEmail",
    "EmailChangeUndone",
    "EmailChanged",
    "LetterClass",
    "LetterContext",
    "LetterDefinition",
    "LetterName",
    "NewSignIn",
    "PasswordChanged",
    "RegistrationReminder",
    "ResetPassword",
    "SignInLink",
    "SignUpContext",
    "TermsChanged",
    "VerifyAddress",
    "definition_of",
]


class LetterName(StrEnum):
    """What an email is about."""

    VERIFY_ADDRESS = "verify_address"
    ACCOUNT_EXISTS = "account_exists"
    TERMS_CHANGED = "terms_changed"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a letter's name
    SIGN_IN_LINK = "sign_in_link"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a letter's name
    NEW_SIGN_IN = "new_sign_in"
    CONFIRM_EMAIL = "confirm_email"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_DELETED = "account_deleted"
    REGISTRATION_REMINDER = "registration_reminder"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterDefinition:
    """The fixed facts of one letter.

    Attributes:
        name: its name on the wire and the folder of its templates.
        letter_class: decides the queue.
        priority: 0 to 9, higher first, inside the class where the broker can (RabbitMQ 4.x: above 4 is high).
        lifetime: how long after the request the letter still makes sense; never sent later.
        context: the type of its context.
        renewable: whether a letter that expired unsent is replaced by a fresh one, as long as its request stands.
        farewell: whether it is the last one: nothing of it or of its mailbox is kept by the mailer once it is sent or cannot be.
    """

    name: LetterName
    letter_class: LetterClass
    priority: int
    lifetime: timedelta
    context: type[LetterContext]
    renewable: bool = False
    farewell: bool = False


_DEFINITIONS = (
    LetterDefinition(
        name=LetterName.VERIFY_ADDRESS,
        letter_class=LetterClass.URGENT,
        priority=6,
        lifetime=timedelta(hours=24),
        context=VerifyAddress,
        renewable=True,
    ),
    # Whoever registers gets this one or the one above: another class or priority would show in the receipt which.
    LetterDefinition(
        name=LetterName.ACCOUNT_EXISTS,
        letter_class=LetterClass.URGENT,
        priority=6,
        lifetime=timedelta(hours=24),
        context=AccountExists,
        renewable=True,
    ),
    # A week: to a million people through one provider it may well take days.
    LetterDefinition(
        name=LetterName.TERMS_CHANGED,
        letter_class=LetterClass.BULK,
        priority=1,
        lifetime=timedelta(days=7),
        context=TermsChanged,
    ),
    LetterDefinition(
        name=LetterName.RESET_PASSWORD,
        letter_class=LetterClass.URGENT,
        priority=6,
        lifetime=timedelta(minutes=30),
        context=ResetPassword,
    ),
    LetterDefinition(
        name=LetterName.SIGN_IN_LINK,
        letter_class=LetterClass.URGENT,
        priority=6,
        lifetime=timedelta(minutes=10),
        context=SignInLink,
    ),
    LetterDefinition(
        name=LetterName.PASSWORD_CHANGED,
        letter_class=LetterClass.STANDARD,
        priority=5,
        lifetime=timedelta(days=3),
        context=PasswordChanged,
    ),
    LetterDefinition(
        name=LetterName.NEW_SIGN_IN,
        letter_class=LetterClass.STANDARD,
        priority=5,
        lifetime=timedelta(days=3),
        context=NewSignIn,
    ),
    LetterDefinition(
        name=LetterName.CONFIRM_EMAIL,
        letter_class=LetterClass.URGENT,
        priority=6,
        lifetime=timedelta(hours=24),
        context=ConfirmEmail,
    ),
    # As long as its link gives the old address back.
    LetterDefinition(
        name=LetterName.EMAIL_CHANGED,
        letter_class=LetterClass.STANDARD,
        priority=5,
        lifetime=timedelta(days=7),
        context=EmailChanged,
    ),
    LetterDefinition(
        name=LetterName.EMAIL_CHANGE_UNDONE,
        letter_class=LetterClass.STANDARD,
        priority=5,
        lifetime=timedelta(days=3),
        context=EmailChangeUndone,
    ),
    LetterDefinition(
        name=LetterName.ACCOUNT_DISABLED,
        letter_class=LetterClass.STANDARD,
        priority=4,
        lifetime=timedelta(days=3),
        context=AccountDisabled,
    ),
    LetterDefinition(
        name=LetterName.ACCOUNT_DELETED,
        letter_class=LetterClass.STANDARD,
        priority=4,
        lifetime=timedelta(days=3),
        context=AccountDeleted,
        farewell=True,
    ),
    LetterDefinition(
        name=LetterName.REGISTRATION_REMINDER,
        letter_class=LetterClass.STANDARD,
        priority=2,
        lifetime=timedelta(hours=24),
        context=RegistrationReminder,
    ),
)

LETTERS: Mapping[LetterName, LetterDefinition] = MappingProxyType({d.name: d for d in _DEFINITIONS})
_BY_CONTEXT = {d.context: d for d in _DEFINITIONS}


def definition_of(context: LetterContext) -> LetterDefinition:
    """Returns the definition of the letter whose context this is."""
    return _BY_CONTEXT[type(context)]
