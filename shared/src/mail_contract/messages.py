"""What travels on the broker: the envelope out, the report back, the cancellation. Frozen and versioned."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mail_contract.letters import LetterClass, LetterName

MAX_MESSAGE_BYTES = 64 * 1024
"""No message is larger, body as on the wire; checked at both ends."""

Text = Annotated[str, Field(max_length=512)]
Token = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")]


class Message(BaseModel):
    """Base of everything on the wire; `model_dump(mode="json")` is the wire form."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvelopeHeader(Message):
    """The clear part of an envelope: readable by operators, useless to anyone else.

    Attributes:
        version: of the format.
        id: the letter's id; also the Celery task's id and the ledger's key.
        letter: which letter.
        letter_class: decides the queue.
        priority: 0 to 9, higher first.
        created_at: when the request was committed.
        expires_at: the letter is never sent after this.
        locale: a BCP 47 tag, the language asked for.
        recipient_tag: keyed hash of the recipient, to group by; the key stays with auth-service.
    """

    version: Literal[1] = 1
    id: UUID
    letter: LetterName
    letter_class: LetterClass
    priority: Annotated[int, Field(ge=0, le=9)]
    created_at: AwareDatetime
    expires_at: AwareDatetime
    locale: Token
    recipient_tag: Token


class Envelope(Message):
    """A letter on its way: the clear header and, sealed to the mailer and signed, everything secret.

    Attributes:
        header: the clear part.
        sealing_key_id: which of the mailer's keys opens it.
        signing_key_id: which of auth's keys signed it.
        sealed: the `Contents`, HPKE ciphertext bound to the header, base64url.
        signature: Ed25519 over header and ciphertext, base64url.
    """

    header: EnvelopeHeader
    sealing_key_id: Token
    signing_key_id: Token
    sealed: Annotated[str, Field(max_length=MAX_MESSAGE_BYTES)]
    signature: Text


class Contents(Message):
    """The sealed part of an envelope.

    Attributes:
        recipient: the address, as typed.
        context: the fields of the letter's `LetterContext`.
        decoy: goes the whole way so that a stranger sees no difference, but nothing is sent and `sent` is reported.
    """

    recipient: Annotated[str, Field(max_length=320)]
    context: dict[str, str]
    decoy: bool = False


class ReportedState(StrEnum):
    """What the mailer may say of a letter."""

    SENT = "sent"
    DEFERRED = "deferred"
    UNCONFIRMED = "unconfirmed"
    """The mail server may have it: its reply never came, and no further copy is risked."""
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    SUPPRESSED = "suppressed"


class DeliveryReport(Message):
    """What became of a letter, told by the mailer.

    Attributes:
        version: of the format.
        id: of the report; a repeated one is a no-op.
        letter_id: which letter.
        state: what became of it.
        at: when, by the mailer's database clock.
        attempt: how many attempts there were so far.
        reason: a short machine token such as `5.1.1`; never text from outside.
    """

    version: Literal[1] = 1
    id: UUID
    letter_id: UUID
    state: ReportedState
    at: AwareDatetime
    attempt: Annotated[int, Field(ge=0)]
    reason: Token | None = None


class CancellationReason(StrEnum):
    """Why a letter is withdrawn."""

    SUPERSEDED = "superseded"
    ACCOUNT_DELETED = "account_deleted"


class Cancellation(Message):
    """Withdraws a letter that was not sent yet."""

    version: Literal[1] = 1
    letter_id: UUID
    reason: CancellationReason
    at: AwareDatetime
