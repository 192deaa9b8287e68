"""② "This wasn't me": the mailbox's reader ends a registration, and gets no more letters of registration for a while."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from auth_service.db.audit import record
from auth_service.db.mailboxes import lift_refusal, lock_mailbox, refuse_mailbox
from auth_service.db.registrations import find_by_refusal, refuse_registration
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.audit import AuditAction, operator_actor
from auth_service.domain.registration import Registration
from auth_service.errors import UnknownLink
from auth_service.outbox import withdraw_letters
from auth_service.security.secrets import KeyedHash, Secret
from mail_contract.messages import CancellationReason

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRegistration:
    """The refusal link of a letter; the same one for every letter of a registration, and harmless when used again."""

    transactions: Transactions
    keyed_hash: KeyedHash

    def refuse(self, token: Secret) -> None:
        """Ends the registration, unless it became the account, and stops letters of registration to the mailbox.

        Raises:
            UnknownLink: never one of ours, or its registration is forgotten.
            DatabaseUnavailable: perhaps refused, perhaps not.
        """
        with self.transactions.begin() as session:
            registration = _find(session, token)
            now = lock_mailbox(session, registration.recipient_tag)
            refuse_registration(session, registration)
            refuse_mailbox(session, registration.recipient_tag)
            withdraw_letters(session, [registration.id], CancellationReason.SUPERSEDED, at=now)
        _log.info("registration_refused", registration_id=str(registration.id))

    def lift(self, token: Secret) -> None:
        """Lets the mailbox have letters of registration again; the registration stays ended.

        Raises:
            UnknownLink: never one of ours, or its registration is forgotten.
            DatabaseUnavailable: perhaps lifted, perhaps not.
        """
        with self.transactions.begin() as session:
            registration = _find(session, token)
            lock_mailbox(session, registration.recipient_tag)
            lift_refusal(session, registration.recipient_tag)
        _log.info("refusal_lifted", registration_id=str(registration.id))

    def lift_for(self, address: Address, *, by: str) -> bool:
        """The same for the operator of that name, by address; says whether the mailbox had refused letters."""
        tag = self.keyed_hash.recipient_tag(address.canonical)
        with self.transactions.begin() as session:
            lock_mailbox(session, tag)
            lifted = lift_refusal(session, tag)
            if lifted:
                record(session, AuditAction.REFUSAL_LIFT, actor=operator_actor(by), target=tag)
        return lifted


def _find(session: Session, token: Secret) -> Registration:
    registration = find_by_refusal(session, token.digest)
    if registration is None:
        raise UnknownLink
    return registration
