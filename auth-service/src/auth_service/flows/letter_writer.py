"""② One letter, written inside a flow's transaction: its secrets, its seal, its rows. Whose it is and what it says is the flow's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from uuid import uuid4

import structlog
from sqlalchemy.orm import Session

from auth_service.db.tokens import TokenHashes, TokenOwner, add_token
from auth_service.domain.account import Account
from auth_service.domain.hold import Hold
from auth_service.domain.one_time_token import Purpose
from auth_service.outbox import Origin, enqueue_letter, record_limited
from auth_service.security.secrets import KeyedHash, Secret, new_code
from mail_contract.letters import LetterContext, definition_of
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import Sealer

DEFAULT_LOCALE: Final = "en"
"""The language of letters that was given to whoever named none or one we don't speak, and of decoys."""

_NOBODY: Final = "nobody@postern.invalid"
"""To whom a decoy is addressed; it is never sent."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """To whom a letter goes.

    Attributes:
        email: the spelling that proved or is to prove itself; None where nobody is to be written to.
        locale: BCP 47, the language of the letter.
        recipient_tag: of the mailbox, locked by the flow.
    """

    email: str | None
    locale: str
    recipient_tag: str

    @classmethod
    def of(cls, account: Account | None, recipient_tag: str) -> Self:
        """Returns an account's person, or nobody."""
        if account is None:
            return cls(email=None, locale=DEFAULT_LOCALE, recipient_tag=recipient_tag)
        return cls(email=account.email, locale=account.locale, recipient_tag=recipient_tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWriter:
    """Writes letters, real and decoy: all take the same steps, so that nobody outside can tell them apart.

    Attributes:
        sealer: seals to the mailer.
        keyed_hash: for codes.
        public_url: base of links, without a slash at its end.
    """

    sealer: Sealer
    keyed_hash: KeyedHash
    public_url: str

    def add_secrets(
        self, session: Session, purpose: Purpose, owner: TokenOwner, *, void: bool, now: datetime
    ) -> tuple[Secret, str]:
        """Returns a new link and code, void from birth if nobody is to be told them."""
        token_id, link, code = uuid4(), Secret.new(), new_code()
        hashes = TokenHashes(token_id=token_id, link=link.digest, code=self.keyed_hash.code(token_id, code))
        add_token(session, owner, purpose, hashes, void=void, now=now)
        return link, code

    def page(self, name: str, locale: str, token: Secret | None = None) -> str:
        """Returns a link to a page in the letter's language, which need not be the reader's browser's."""
        # The browser knows better than whoever wrote no language down.
        language = "" if locale == DEFAULT_LOCALE else f"?lang={locale}"
        fragment = "" if token is None else f"#token={token.text}"
        return f"{self.public_url}/{name}{language}{fragment}"

    def write(
        self,
        session: Session,
        context: LetterContext,
        recipient: Recipient,
        origin: Origin,
        *,
        now: datetime,
        limited: bool = False,
        hold: Hold | None = None,
    ) -> None:
        """Writes a letter.

        Args:
            session: of the flow.
            context: what it says.
            recipient: to whom.
            origin: what it comes from.
            now: the database's time.
            limited: whether it is only to be written down, not sent.
            hold: why and how long it is to be held, if it is.
        """
        sealed = self._seal(context, recipient, now)
        if limited:
            record_limited(session, sealed, origin)
        else:
            enqueue_letter(session, sealed, origin, hold=hold)
        _log.info(
            "letter_limited" if limited else "letter_accepted",
            letter_id=str(sealed.header.id),
            letter=sealed.header.letter.value,
        )

    def _seal(self, context: LetterContext, recipient: Recipient, now: datetime) -> Envelope:
        definition = definition_of(context)
        header = EnvelopeHeader(
            id=uuid4(),
            letter=definition.name,
            letter_class=definition.letter_class,
            priority=definition.priority,
            created_at=now,
            expires_at=now + definition.lifetime,
            locale=recipient.locale,
            recipient_tag=recipient.recipient_tag,
        )
        contents = Contents(
            recipient=recipient.email or _NOBODY,
            context=context.model_dump(),
            decoy=recipient.email is None,
        )
        return self.sealer.seal(header, contents)
