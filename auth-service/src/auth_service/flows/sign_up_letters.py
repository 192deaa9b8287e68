"""② The letters of signing up, real and decoy: all take the same steps, so that nobody outside can tell them apart.

A letter says whatever is true of its address when it is written: prove that you read this mailbox, or you have an account.
Where nobody is to be written to the envelope is a decoy, and the mailer sends nothing but reports as if it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import structlog
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.campaign import HoldReason
from auth_service.domain.hold import Hold
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.registration import Registration
from auth_service.domain.renewal import Renewal
from auth_service.outbox import Origin, enqueue_letter, record_limited
from auth_service.security.secrets import Derived, KeyedHash, Secret, new_code
from auth_service.store.tokens import TokenHashes, add_token
from mail_contract.letters import AccountExists, SignUpContext, VerifyAddress, definition_of
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import Sealer

_DECOY_LOCALE: Final = "en"
_BROWSERS_CHOICE: Final = "en"
"""The language of letters that was given to whoever named none or one we don't speak; their browser knows better."""
_NOBODY: Final = "nobody@postern.invalid"
"""To whom a decoy is addressed; it is never sent."""

_log = structlog.get_logger(__name__)


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
        sealer: seals to the mailer.
        keyed_hash: for codes and secrets of registrations.
        public_url: base of links, without a slash at its end.
        sign_in_url: where people with an account sign in.
        hold_period: how long letters of a registration are held, where they are to be.
    """

    sealer: Sealer
    keyed_hash: KeyedHash
    public_url: str
    sign_in_url: str
    hold_period: timedelta

    def write(self, session: Session, order: LetterOrder) -> None:
        """Writes the letter, with a new link and code where its reader is to prove something."""
        asks_for_proof = order.registration is not None and order.account is None
        link, code = self._add_token(session, order, void=order.limited or not asks_for_proof)
        context = self._context(order, link=link, code=code)
        sealed = self._seal(order, context)
        origin = self._origin(order)
        if order.limited:
            record_limited(session, sealed, origin)
        else:
            enqueue_letter(session, sealed, origin, hold=self._hold(order.held_for))
        _log.info(
            "letter_limited" if order.limited else "letter_accepted",
            letter_id=str(sealed.header.id),
            letter=sealed.header.letter.value,
        )

    def _add_token(self, session: Session, order: LetterOrder, *, void: bool) -> tuple[Secret, str]:
        token_id, link, code = uuid4(), Secret.new(), new_code()
        hashes = TokenHashes(token_id=token_id, link=link.digest, code=self.keyed_hash.code(token_id, code))
        registration_id = None if order.registration is None else order.registration.id
        add_token(session, registration_id, Purpose.VERIFY_ADDRESS, hashes, void=void, now=order.now)
        return link, code

    def _context(self, order: LetterOrder, *, link: Secret, code: str) -> SignUpContext:
        request = {} if order.registration is None else self._request(order.registration)
        if order.account is not None:
            return AccountExists(home=self.sign_in_url, **request)
        locale = _DECOY_LOCALE if order.registration is None else order.registration.locale
        return VerifyAddress(link=self._page("verify", locale, link), code=code, **request)

    def _request(self, registration: Registration) -> dict[str, str]:
        refusal = self.keyed_hash.secret_of(registration.id, Derived.REFUSAL)
        return {
            "refusal": self._page("refuse", registration.locale, refusal),
            "requested_at": registration.created_at.isoformat(timespec="seconds"),
            "device": registration.device,
        }

    def _page(self, name: str, locale: str, token: Secret) -> str:
        """Returns a link to a page in the letter's language, which need not be the reader's browser's."""
        language = "" if locale == _BROWSERS_CHOICE else f"?lang={locale}"
        return f"{self.public_url}/{name}{language}#token={token.text}"

    def _seal(self, order: LetterOrder, context: SignUpContext) -> Envelope:
        definition, registration, account = definition_of(context), order.registration, order.account
        header = EnvelopeHeader(
            id=uuid4(),
            letter=definition.name,
            letter_class=definition.letter_class,
            priority=definition.priority,
            created_at=order.now,
            expires_at=order.now + definition.lifetime,
            locale=(account or registration).locale if registration else _DECOY_LOCALE,
            recipient_tag=order.recipient_tag,
        )
        contents = Contents(
            recipient=(account or registration).email if registration else _NOBODY,
            context=context.model_dump(),
            decoy=registration is None,
        )
        return self.sealer.seal(header, contents)

    def _hold(self, reason: HoldReason | None) -> Hold | None:
        return None if reason is None else Hold(reason=reason, period=self.hold_period)

    def _origin(self, order: LetterOrder) -> Origin:
        return Origin(
            registration_id=None if order.registration is None else order.registration.id,
            account_id=None if order.account is None else order.account.id,
            receipt_hash=None if isinstance(order.receipt, Renewal) else order.receipt.digest,
            receipt_tells=order.receipt_tells,
            renewal=order.receipt if isinstance(order.receipt, Renewal) else None,
        )
