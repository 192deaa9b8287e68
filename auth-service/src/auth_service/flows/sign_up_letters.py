"""② The letters of signing up, real and decoy: all take the same steps, so that nobody outside can tell them apart.

Each, in one statement, voids the older token and adds a row for a new one, withdraws the recipient's older letters of
signing up, and adds letter, first event and outbox row. Where there is nothing to prove the token is a decoy; where
nobody is to be written to the envelope is one, and the mailer sends nothing but reports as if it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never
from uuid import uuid4

import structlog
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.address import Address
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.renewal import SIGN_UP_LETTERS, Renewal
from auth_service.outbox import enqueue_letter, withdrawal
from auth_service.security.secrets import KeyedHash, Secret, new_code
from auth_service.store.letters import lock_recipient
from auth_service.store.rider import Rider
from auth_service.store.tokens import TokenHashes, replace_token
from mail_contract.letters import AccountExists, LetterContext, LetterName, VerifyAddress, definition_of
from mail_contract.messages import CancellationReason, Contents, EnvelopeHeader
from mail_contract.sealing import Sealer

_DECOY_LOCALE: Final = "en"
_NOBODY: Final = "nobody@postern.invalid"
"""To whom a decoy is renewed: the address it was asked for is kept nowhere, and no decoy is ever sent."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A mailbox whose flows wait for each other until the transaction ends.

    Attributes:
        typed: its address as it was asked for; a decoy is addressed to it.
        tag: what stands for it in tables and envelopes.
        now: the database's time.
    """

    typed: str
    tag: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What a letter will say, to whom, and the token that remembers its link and code; without an account a decoy."""

    context: LetterContext
    account: Account | None
    token: Rider


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpLetters:
    """Writes letters inside a flow's transaction.

    Attributes:
        sealer: seals to the mailer.
        keyed_hash: for codes and recipient tags.
        public_url: base of links, without a slash at its end.
    """

    sealer: Sealer
    keyed_hash: KeyedHash
    public_url: str

    def tag_of(self, address: Address) -> str:
        """Returns what stands for the mailbox."""
        return self.keyed_hash.recipient_tag(address.canonical)

    def lock(self, session: Session, address: Address) -> Recipient:
        """Begins: everything else about this mailbox waits."""
        tag = self.tag_of(address)
        return Recipient(typed=address.typed, tag=tag, now=lock_recipient(session, tag))

    def lock_again(self, session: Session, recipient_tag: str) -> Recipient:
        """The same where only a letter of the mailbox is known."""
        return Recipient(typed=_NOBODY, tag=recipient_tag, now=lock_recipient(session, recipient_tag))

    def ask_for_proof(self, session: Session, recipient: Recipient, account: Account) -> Secret:
        """To whoever registered an address: prove that you read its mail. Returns the receipt."""
        return self._send(session, recipient, self._proof(account))

    def tell_owner(self, session: Session, recipient: Recipient, account: Account) -> Secret:
        """To the owner of a verified address that somebody registered again. Returns the receipt."""
        return self._send(session, recipient, self._notice(account))

    def pretend(self, session: Session, recipient: Recipient) -> Secret:
        """To nobody. Returns the receipt."""
        return self._send(session, recipient, self._proof(None))

    def renew(
        self,
        session: Session,
        recipient: Recipient,
        account: Account | None,
        letter: LetterName,
        renewal: Renewal,
    ) -> None:
        """The same letter afresh, with another link and code; the request's first receipt tells of it."""
        match letter:
            case LetterName.VERIFY_ADDRESS:
                self._write(session, recipient, self._proof(account), renewal)
            case LetterName.ACCOUNT_EXISTS:
                self._write(session, recipient, self._notice(account), renewal)
            case LetterName.TERMS_CHANGED:
                raise ValueError("not a letter of signing up")
            case _:
                assert_never(letter)

    def _proof(self, account: Account | None) -> _Draft:
        token_id, link, code = uuid4(), Secret.new(), new_code()
        hashes = TokenHashes(token_id=token_id, link=link.digest, code=self.keyed_hash.code(token_id, code))
        return _Draft(
            context=VerifyAddress(link=f"{self.public_url}/verify#token={link.text}", code=code),
            account=account,
            token=replace_token(account, Purpose.VERIFY_ADDRESS, hashes),
        )

    def _notice(self, account: Account | None) -> _Draft:
        context = AccountExists(home=self.public_url)
        return _Draft(context=context, account=account, token=self._proof(None).token)

    def _send(self, session: Session, recipient: Recipient, draft: _Draft) -> Secret:
        receipt = Secret.new()
        self._write(session, recipient, draft, receipt)
        return receipt

    def _write(self, session: Session, recipient: Recipient, draft: _Draft, story: Secret | Renewal) -> None:
        definition, account = definition_of(draft.context), draft.account
        header = EnvelopeHeader(
            id=uuid4(),
            letter=definition.name,
            letter_class=definition.letter_class,
            priority=definition.priority,
            created_at=recipient.now,
            expires_at=recipient.now + definition.lifetime,
            locale=_DECOY_LOCALE if account is None else account.locale,
            recipient_tag=recipient.tag,
        )
        contents = Contents(
            recipient=recipient.typed if account is None else account.email,
            context=draft.context.model_dump(),
            decoy=account is None,
        )
        older = withdrawal(recipient.tag, SIGN_UP_LETTERS, CancellationReason.SUPERSEDED, at=recipient.now)
        enqueue_letter(
            session,
            self.sealer.seal(header, contents),
            account_id=None if account is None else account.id,
            story=story.digest if isinstance(story, Secret) else story,
            riders=(older, draft.token),
        )
        _log.info("letter_accepted", letter_id=str(header.id), letter=header.letter.value)
