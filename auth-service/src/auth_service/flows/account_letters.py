"""② The letters of an account: what it asked for, what was done to it, and what a stranger may ask for by its address.

Where an address has no account the letter is a decoy, of the same name and with the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from auth_service.db.email_changes import EmailChange
from auth_service.db.tokens import TokenOwner
from auth_service.domain.account import Account
from auth_service.domain.address import masked
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.session import AccountSession
from auth_service.flows.letter_writer import LetterWriter, Recipient
from auth_service.outbox import Origin
from auth_service.security.secrets import Secret
from mail_contract.letters import (
    AccountDeleted,
    AccountDisabled,
    AccountExists,
    ConfirmEmail,
    EmailChanged,
    EmailChangeUndone,
    LetterContext,
    LetterName,
    NewSignIn,
    PasswordChanged,
    ResetPassword,
    SignInLink,
)

LETTERS_WITH_SECRETS: Final = MappingProxyType(
    {
        Purpose.RESET_PASSWORD: LetterName.RESET_PASSWORD,
        Purpose.SIGN_IN: LetterName.SIGN_IN_LINK,
        Purpose.CONFIRM_EMAIL: LetterName.CONFIRM_EMAIL,
    }
)
"""Which letter a secret travels in; where the secret is void, so is the letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRequest:
    """A letter that anybody may ask for.

    Attributes:
        account: of the address; None for a decoy.
        recipient_tag: of the mailbox, locked by the flow.
        now: the database's time.
        receipt: says that the request was accepted, and nothing more.
        device: it was asked with, in words of ours; empty if unknown.
        limited: whether the letter is only to be written down, not sent.
    """

    account: Account | None
    recipient_tag: str
    now: datetime
    receipt: Secret
    device: str
    limited: bool

    @property
    def account_id(self) -> UUID | None:
        """Whose letter it is, if anybody's."""
        return None if self.account is None else self.account.id

    @property
    def requested_at(self) -> str:
        """When it was asked for, as letters take it."""
        return self.now.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLetters:
    """Writes them inside a flow's transaction.

    Attributes:
        writer: writes each.
        sign_in_url: where people with an account sign in.
    """

    writer: LetterWriter
    sign_in_url: str

    def reset_password(self, session: Session, request: LetterRequest) -> None:
        """Writes the way to a new password."""
        recipient = Recipient.of(request.account, request.recipient_tag)
        link, _ = self._secrets(session, Purpose.RESET_PASSWORD, request)
        context = ResetPassword(
            link=self.writer.page("reset", recipient.locale, link),
            requested_at=request.requested_at,
            device=request.device,
        )
        self._answer(session, context, recipient, request)

    def sign_in_link(self, session: Session, request: LetterRequest) -> None:
        """Writes a link and a code that sign in."""
        recipient = Recipient.of(request.account, request.recipient_tag)
        link, code = self._secrets(session, Purpose.SIGN_IN, request)
        context = SignInLink(
            link=self.writer.page("signin-link", recipient.locale, link),
            code=code,
            requested_at=request.requested_at,
            device=request.device,
        )
        self._answer(session, context, recipient, request)

    def password_changed(self, session: Session, account: Account, *, now: datetime, device: str) -> None:
        """Tells that there is another password, and how to get a third where it wasn't her."""
        context = PasswordChanged(
            at=now.isoformat(timespec="seconds"),
            device=device,
            reset=self.writer.page("forgot", account.locale),
        )
        self._tell(session, context, account, now=now)

    def new_sign_in(self, session: Session, account: Account, opened: AccountSession) -> None:
        """Tells of a sign-in with a device that was not seen before, and how to end it where it wasn't her."""
        context = NewSignIn(
            at=opened.created_at.isoformat(timespec="seconds"),
            device=opened.device,
            place=opened.source,
            sessions=self.writer.page("account", account.locale),
            reset=self.writer.page("forgot", account.locale),
        )
        self._tell(session, context, account, now=opened.created_at)

    def confirm_email(
        self, session: Session, change: EmailChange, request: LetterRequest, *, locale: str
    ) -> None:
        """Writes to the new address of an account: prove that you read this mailbox, or it has an account already.

        Args:
            session: of the flow.
            change: pending.
            request: its account is the one that has the new address already, if there is one.
            locale: of the account whose address is to change.
        """
        owner = TokenOwner(account_id=change.account_id, email_change_id=change.id)
        void = request.limited or request.account is not None
        link, _ = self.writer.add_secrets(session, Purpose.CONFIRM_EMAIL, owner, void=void, now=request.now)
        asked = {"requested_at": request.requested_at, "device": request.device}
        if request.account is not None:
            there = None if request.account.is_disabled else request.account
            recipient = Recipient.of(there, request.recipient_tag)
            self._answer(session, AccountExists(home=self.sign_in_url, **asked), recipient, request)
            return
        recipient = Recipient(email=change.email, locale=locale, recipient_tag=request.recipient_tag)
        context = ConfirmEmail(link=self.writer.page("confirm-email", locale, link), **asked)
        self._answer(session, context, recipient, request, change.account_id)

    def email_changed(
        self, session: Session, account: Account, change: EmailChange, *, now: datetime, device: str
    ) -> None:
        """Tells the old address, with the way back.

        Args:
            session: of the flow.
            account: as it was before the change.
            change: confirmed just now.
            now: the database's time.
            device: it was confirmed with.
        """
        owner = TokenOwner(account_id=account.id, email_change_id=change.id)
        link, _ = self.writer.add_secrets(session, Purpose.REVERT_EMAIL, owner, void=False, now=now)
        context = EmailChanged(
            at=now.isoformat(timespec="seconds"),
            device=device,
            new_address=masked(change.email),
            revert=self.writer.page("revert-email", account.locale, link),
        )
        self._tell(session, context, account, now=now)

    def email_change_undone(self, session: Session, account: Account, *, now: datetime, device: str) -> None:
        """Tells the address that an account is about to lose again.

        Args:
            session: of the flow.
            account: as it was until now.
            now: the database's time.
            device: the change was undone with.
        """
        context = EmailChangeUndone(at=now.isoformat(timespec="seconds"), device=device)
        self._tell(session, context, account, now=now)

    def account_disabled(self, session: Session, account: Account, *, now: datetime) -> None:
        """Tells that an operator shut the account."""
        self._tell(session, AccountDisabled(at=now.isoformat(timespec="seconds")), account, now=now)

    def account_deleted(self, session: Session, account: Account, *, now: datetime) -> None:
        """Says good-bye; nothing that is kept of the letter leads to the address."""
        context = AccountDeleted(at=now.isoformat(timespec="seconds"))
        tag = self.writer.keyed_hash.recipient_tag(f"deleted {account.id}")
        origin = Origin(receipt_hash=Secret.new().digest)
        self.writer.write(session, context, Recipient.of(account, tag), origin, now=now)

    def _secrets(self, session: Session, purpose: Purpose, request: LetterRequest) -> tuple[Secret, str]:
        void = request.limited or request.account is None
        tag = None if request.account is None else request.recipient_tag
        owner = TokenOwner(account_id=request.account_id, recipient_tag=tag)
        return self.writer.add_secrets(session, purpose, owner, void=void, now=request.now)

    def _answer(
        self,
        session: Session,
        context: LetterContext,
        recipient: Recipient,
        request: LetterRequest,
        owner: UUID | None = None,
    ) -> None:
        account_id = owner or request.account_id
        origin = Origin(receipt_hash=request.receipt.digest, account_id=account_id)
        self.writer.write(session, context, recipient, origin, now=request.now, limited=request.limited)

    def _tell(self, session: Session, context: LetterContext, account: Account, *, now: datetime) -> None:
        recipient = Recipient.of(account, self.writer.keyed_hash.recipient_tag(account.canonical_email))
        # Nobody asked for it, so its receipt is given to nobody.
        origin = Origin(receipt_hash=Secret.new().digest, account_id=account.id)
        self.writer.write(session, context, recipient, origin, now=now)
