"""② Send a letter of registration again, with a new link and code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from auth_service.db.accounts import find_account
from auth_service.db.mailboxes import is_refused, mailbox_in_hand
from auth_service.db.registrations import find_by_secret, find_newest_pending, hold_no_more
from auth_service.db.tokens import void_tokens
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.campaign import HoldReason
from auth_service.domain.limit import Admission
from auth_service.domain.registration import Registration, is_over, resend_after
from auth_service.errors import UnknownRegistration
from auth_service.flows.campaign_watch import CampaignWatch
from auth_service.flows.limits import MailboxLimit
from auth_service.flows.sign_up_letters import LetterOrder, SignUpLetters
from auth_service.outbox import withdraw_letters
from auth_service.outbox.hold import is_held
from auth_service.security.secrets import KeyedHash, Secret
from mail_contract.messages import CancellationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """What whoever asked again is given: a receipt, and in how many seconds asking once more makes sense."""

    receipt: Secret
    resend_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendVerification:
    """A person says that no letter came."""

    transactions: Transactions
    letters: SignUpLetters
    keyed_hash: KeyedHash
    requests: MailboxLimit
    watch: CampaignWatch

    def by_secret(self, secret: Secret) -> Resent:
        """Returns, among others, a receipt that tells what becomes of the letter.

        Whoever has the secret made the registration: its older links and codes are void, its letters on their way withdrawn.
        A letter is sent whatever the state of the address, or the receipt would tell.

        Raises:
            UnknownRegistration: never one of ours, or too old.
            DatabaseUnavailable: perhaps sent, perhaps not.
        """
        receipt = Secret.new()
        with self.transactions.begin() as session:
            found = find_by_secret(session, secret.digest)
            if found is None:
                raise UnknownRegistration
            with mailbox_in_hand(session, found.recipient_tag) as now:
                admission = self._write_again(session, secret, found, now=now, receipt=receipt)
        return Resent(receipt=receipt, resend_after=resend_after(admission))

    def _write_again(
        self, session: Session, secret: Secret, found: Registration, *, now: datetime, receipt: Secret
    ) -> Admission:
        address = Address(typed=found.email, canonical=found.canonical_email)
        admission = self.requests.admit(session, address)
        # Read again: it may have ended while this waited.
        registration = find_by_secret(session, secret.digest)
        if registration is None:
            raise UnknownRegistration
        account = find_account(session, registration.canonical_email)
        limited = (
            not admission.admitted
            or is_over(registration, has_account=account is not None)
            or is_refused(session, registration.recipient_tag)
        )
        if not limited:
            void_tokens(session, registration.id)
            withdraw_letters(session, [registration.id], CancellationReason.SUPERSEDED, at=now)
        order = LetterOrder(
            registration=registration,
            account=account,
            recipient_tag=registration.recipient_tag,
            now=now,
            receipt=receipt,
            receipt_tells=True,
            limited=limited,
            held_for=None if limited else self._reason_to_hold(session, registration),
        )
        self.letters.write(session, order)
        return admission

    def _reason_to_hold(self, session: Session, registration: Registration | None) -> HoldReason | None:
        """Asking again is no way around a hold: not while a letter is held, nor after it was dropped while the campaign lasts."""
        if registration is None or registration.held_for is None:
            return None
        if is_held(session, registration.id) or self.watch.look(session).lasts:
            return registration.held_for
        hold_no_more(session, registration)
        return None

    def by_address(self, address: Address) -> Resent:
        """Returns, among others, a receipt that tells nothing more than that the request was accepted.

        Anybody may ask with an address, so nothing is voided or withdrawn, and where there is nothing to confirm a decoy is
        written.

        Raises:
            DatabaseUnavailable: perhaps sent, perhaps not.
        """
        receipt, tag = Secret.new(), self.keyed_hash.recipient_tag(address.canonical)
        with self.transactions.begin() as session, mailbox_in_hand(session, tag) as now:
            admission = self.requests.admit_from_anybody(session, address)
            pending = find_newest_pending(session, typed=address.typed, canonical=address.canonical)
            limited = is_refused(session, tag) or not admission.admitted
            order = LetterOrder(
                registration=pending,
                account=None,
                recipient_tag=tag,
                now=now,
                receipt=receipt,
                receipt_tells=False,
                limited=limited,
                held_for=None if limited else self._reason_to_hold(session, pending),
            )
            self.letters.write(session, order)
        return Resent(receipt=receipt, resend_after=resend_after(admission))
