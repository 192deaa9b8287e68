"""② The letters of signing up, real and decoy: all take the same steps, so that nobody outside can tell them apart.

Each voids the older token and adds a row for a new one, withdraws the recipient's older letters of signing up, and adds
letter, first event and outbox row. Where there is nothing to prove the token is a decoy; where nobody is to be written
to the envelope is one, and the mailer sends nothing but reports as if it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.address import Address
from auth_service.domain.one_time_token import Purpose
from auth_service.outbox import enqueue_letter, withdraw_letters
from auth_service.security.secrets import KeyedHash, Secret, new_code
from auth_service.store.letters import lock_recipient
from auth_service.store.tokens import TokenHashes, replace_token
from mail_contract.letters import AccountExists, LetterContext, LetterName, VerifyAddress, definition_of
from mail_contract.messages import CancellationReason, Contents, EnvelopeHeader
from mail_contract.sealing import Sealer

_WITHDRAWN_BY_A_NEWER: Final = (LetterName.VERIFY_ADDRESS, LetterName.ACCOUNT_EXISTS)
_DECOY_LOCALE: Final = "en"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A mailbox whose flows wait for each other until the transaction ends.

    Attributes:
        address: its address.
        tag: what stands for it in tables and envelopes.
        now: the database's time.
    """

    address: Address
    tag: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpLetters:
    """Writes letters inside a flow's transaction; each method returns the receipt of its letter.

    Attributes:
        sealer: seals to the mailer.
        keyed_hash: for codes and recipient tags.
        public_url: base of links, without a slash at its end.
    """

    sealer: Sealer
    keyed_hash: KeyedHash
    public_url: str

    def lock(self, session: Session, address: Address) -> Recipient:
        """Begins: everything else about this mailbox waits."""
        tag = self.keyed_hash.recipient_tag(address.canonical)
        return Recipient(address=address, tag=tag, now=lock_recipient(session, tag))

    def ask_for_proof(self, session: Session, recipient: Recipient, account: Account) -> Secret:
        """To whoever registered an address: prove that you read its mail."""
        context = self._proof(session, account)
        return self._write(
            session, recipient, context, account=account, to=account.email, locale=account.locale
        )

    def tell_owner(self, session: Session, recipient: Recipient, account: Account) -> Secret:
        """To the owner of a verified address that somebody registered again."""
        self._proof(session, None)
        context = AccountExists(home=self.public_url)
        return self._write(
            session, recipient, context, account=account, to=account.email, locale=account.locale
        )

    def pretend(self, session: Session, recipient: Recipient) -> Secret:
        """To nobody."""
        context = self._proof(session, None)
        return self._write(
            session,
            recipient,
            context,
            account=None,
            to=recipient.address.typed,
            locale=_DECOY_LOCALE,
            decoy=True,
        )

    def _proof(self, session: Session, account: Account | None) -> VerifyAddress:
        token_id, link, code = uuid4(), Secret.new(), new_code()
        hashes = TokenHashes(token_id=token_id, link=link.digest, code=self.keyed_hash.code(token_id, code))
        replace_token(session, account, Purpose.VERIFY_ADDRESS, hashes)
        return VerifyAddress(link=f"{self.public_url}/verify#token={link.text}", code=code)

    def _write(
        self,
        session: Session,
        recipient: Recipient,
        context: LetterContext,
        *,
        account: Account | None,
        to: str,
        locale: str,
        decoy: bool = False,
    ) -> Secret:
        definition, receipt, account_id = definition_of(context), Secret.new(), _id_of(account)
        header = EnvelopeHeader(
            id=uuid4(),
            letter=definition.name,
            letter_class=definition.letter_class,
            priority=definition.priority,
            created_at=recipient.now,
            expires_at=recipient.now + definition.lifetime,
            locale=locale,
            recipient_tag=recipient.tag,
        )
        contents = Contents(recipient=to, context=context.model_dump(), decoy=decoy)
        withdraw_letters(
            session, recipient.tag, _WITHDRAWN_BY_A_NEWER, CancellationReason.SUPERSEDED, at=recipient.now
        )
        envelope = self.sealer.seal(header, contents)
        enqueue_letter(session, envelope, account_id=account_id, receipt_hash=receipt.digest)
        _log.info("letter_accepted", letter_id=str(header.id), letter=header.letter.value)
        return receipt


def _id_of(account: Account | None) -> UUID | None:
    return None if account is None else account.id
