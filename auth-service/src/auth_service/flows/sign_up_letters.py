"""② The letters of signing up: prove that you read this mailbox, or you have an account, whichever is true when it is written.

Where nobody is to be written to the letter is a decoy, and the mailer sends nothing but reports as if it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth_service.db.tokens import TokenOwner
from auth_service.domain.account import Account
from auth_service.domain.campaign import HoldReason
from auth_service.domain.hold import Hold
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.registration import Registration
from auth_service.domain.renewal import Renewal
from auth_service.flows.letter_writer import DEFAULT_LOCALE, LetterWriter, Recipient
from auth_service.outbox import Origin
from auth_service.security.secrets import Derived, Secret
from mail_contract.letters import AccountExists, RegistrationReminder, SignUpContext, VerifyAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterOrder:
    """What a flow wants written.

    Attributes:
        registration: whose letter; None for a decoy.
        account: of the registration's address, if it has one; then the letter says so.
        recipient_tag: of the mailbox, locked by the flow.
        now: the database's time.
        receipt: to be told of it, or which earlier letter it renews.
        receipt_tells: whether the receipt may say more than that the request was accepted.
        limited: whether it is only to be written down, not sent.
        held_for: why it is to be held, if it is.
    """

    registration: Registration | None
    account: Account | None
    recipient_tag: str
    now: datetime
    receipt: Secret | Renewal
    receipt_tells: bool
    limited: bool
    held_for: HoldReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpLetters:
    """Writes letters inside a flow's transaction.

    Attributes:
        writer: writes each.
        sign_in_url: where people with an account sign in.
        hold_period: how long letters of a registration are held, where they are to be.
    """

    writer: LetterWriter
    sign_in_url: str
    hold_period: timedelta

    def write(self, session: Session, order: LetterOrder) -> None:
        """Writes the letter, with a new link and code where its reader is to prove something."""
        asks_for_proof = order.registration is not None and order.account is None
        owner = TokenOwner(registration_id=None if order.registration is None else order.registration.id)
        link, code = self.writer.add_secrets(
            session, Purpose.VERIFY_ADDRESS, owner, void=order.limited or not asks_for_proof, now=order.now
        )
        self.writer.write(
            session,
            self._context(order, link=link, code=code),
            _recipient(order),
            _origin(order),
            now=order.now,
            limited=order.limited,
            hold=None if order.held_for is None else Hold(reason=order.held_for, period=self.hold_period),
        )

    def remind(self, session: Session, registration: Registration, *, now: datetime) -> None:
        """Writes the reminder of a pending registration, with a new link and code; nobody asked for it, so nobody has its receipt."""
        owner = TokenOwner(registration_id=registration.id)
        link, code = self.writer.add_secrets(session, Purpose.VERIFY_ADDRESS, owner, void=False, now=now)
        context = RegistrationReminder(
            link=self.writer.page("verify", registration.locale, link),
            code=code,
            **self._request(registration),
        )
        recipient = Recipient(
            email=registration.email,
            locale=registration.locale,
            recipient_tag=registration.recipient_tag,
        )
        origin = Origin(registration_id=registration.id, receipt_hash=Secret.new().digest)
        self.writer.write(session, context, recipient, origin, now=now)

    def _context(self, order: LetterOrder, *, link: Secret, code: str) -> SignUpContext:
        request = {} if order.registration is None else self._request(order.registration)
        if order.account is not None:
            return AccountExists(home=self.sign_in_url, **request)
        locale = DEFAULT_LOCALE if order.registration is None else order.registration.locale
        return VerifyAddress(link=self.writer.page("verify", locale, link), code=code, **request)

    def _request(self, registration: Registration) -> dict[str, str]:
        refusal = self.writer.keyed_hash.secret_of(registration.id, Derived.REFUSAL)
        return {
            "refusal": self.writer.page("refuse", registration.locale, refusal),
            "requested_at": registration.created_at.isoformat(timespec="seconds"),
            "device": registration.device,
        }


def _recipient(order: LetterOrder) -> Recipient:
    if order.registration is None:
        return Recipient.of(None, order.recipient_tag)
    person = order.account or order.registration
    return Recipient(email=person.email, locale=person.locale, recipient_tag=order.recipient_tag)


def _origin(order: LetterOrder) -> Origin:
    return Origin(
        registration_id=None if order.registration is None else order.registration.id,
        account_id=None if order.account is None else order.account.id,
        receipt_hash=None if isinstance(order.receipt, Renewal) else order.receipt.digest,
        receipt_tells=order.receipt_tells,
        renewal=order.receipt if isinstance(order.receipt, Renewal) else None,
    )
