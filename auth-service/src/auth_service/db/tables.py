"""The tables of the database `auth`; what must never be untrue is a constraint here, not a hope elsewhere.

All times are the database's. Closed choices are text with a CHECK, so that a new value is an ordinary migration; letters
and their classes are closed by the contract, and need none.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.account_tables import (
    AccountImport,
    AccountSession,
    AuditEvent,
    AuthorizationCode,
    EmailChange,
    RefreshToken,
)
from auth_service.db.base import Base
from auth_service.db.people import Account, OneTimeToken, RefusedMailbox, Registration
from auth_service.domain.campaign import HoldReason
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.hold import HoldEnd
from auth_service.domain.renewal import MAX_RENEWALS
from mail_contract.messages import CancellationReason
from service_runtime.database.schema import name_of_ours, one_of

__all__ = [
    "Account",
    "AccountImport",
    "AccountSession",
    "Announcement",
    "AuditEvent",
    "AuthorizationCode",
    "EmailChange",
    "Letter",
    "LetterEvent",
    "OneTimeToken",
    "OutboxKind",
    "OutboxRow",
    "RefreshToken",
    "RefusedMailbox",
    "Registration",
]


class OutboxKind(StrEnum):
    """What an outbox row publishes."""

    LETTER = "letter"
    CANCELLATION = "cancellation"


class Announcement(Base):
    """A letter to everybody who was verified when it started, and how far it has come: the operator's name is its identity.

    `last_account_id` moves in the transaction that writes the letters up to it, so nobody gets two and nobody is missed.
    """

    __tablename__ = "announcements"
    __table_args__ = (
        CheckConstraint(name_of_ours("letter"), name="letter"),
        CheckConstraint("length(name) BETWEEN 1 AND 64", name="name"),
        CheckConstraint("recipients >= 0 AND letters >= 0", name="counts"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    letter: Mapped[str]
    context: Mapped[dict[str, Any]] = mapped_column(JSONB)
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    recipients: Mapped[int]
    letters: Mapped[int] = mapped_column(server_default="0")
    last_account_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]


class Letter(Base):
    """One letter asked of the mailer, and what is known of it.

    `state` is moved by the relay (accepted → queued) and by reports only, and is `limited` from birth where nothing is to
    be sent; `withdrawn_at` says that a cancellation
    was written for it, which the mailer may or may not have been in time to obey.

    A letter that expired is renewed by another row, `renewal_of` the first letter of its request; the request's
    receipt is the first one's. `renewal_due` asks for that where the relay found a letter expired in the outbox.
    """

    __tablename__ = "letters"
    __table_args__ = (
        CheckConstraint(name_of_ours("letter"), name="letter"),
        CheckConstraint(name_of_ours("letter_class"), name="letter_class"),
        CheckConstraint(one_of("state", DeliveryState), name="state"),
        CheckConstraint("octet_length(receipt_hash) = 32", name="receipt_hash"),
        CheckConstraint("expires_at > created_at", name="lifetime"),
        CheckConstraint(
            "receipt_hash IS NOT NULL OR renewal > 0 OR announcement IS NOT NULL", name="somebody_asked"
        ),
        CheckConstraint(one_of("withdrawn_for", CancellationReason), name="withdrawn_for"),
        CheckConstraint("withdrawn_for IS NULL OR withdrawn_at IS NOT NULL", name="withdrawal"),
        CheckConstraint(f"renewal BETWEEN 0 AND {MAX_RENEWALS}", name="renewal"),
        CheckConstraint("(renewal = 0) = (renewal_of IS NULL)", name="renewal_of"),
        # A repeated word of a letter's end renews it once.
        Index(
            "uq_letters_renewal_of",
            "renewal_of",
            "renewal",
            unique=True,
            postgresql_where=text("renewal_of IS NOT NULL"),
        ),
        # For flows/renew_letters.py.
        Index("ix_letters_renewal_due", "id", postgresql_where=text("renewal_due")),
        # Nobody gets an announcement twice, whatever its cursor says.
        Index(
            "uq_letters_announcement",
            "announcement",
            "account_id",
            unique=True,
            postgresql_where=text("announcement IS NOT NULL"),
        ),
        # For maintenance/purge.py.
        Index("ix_letters_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL"), index=True
    )
    # The account it is written to, if there is one, and the registration that asked for it; a decoy has neither.
    registration_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("registrations.id", ondelete="SET NULL"), index=True
    )
    letter: Mapped[str]
    letter_class: Mapped[str]
    # For flows/explain.py. Not only over letters on their way: an index that mentions `state` would
    # have to be written again whenever it changes.
    recipient_tag: Mapped[str] = mapped_column(index=True)
    receipt_hash: Mapped[bytes | None] = mapped_column(unique=True)
    # Whether the receipt may say more than `accepted`: see domain/receipt.py.
    receipt_tells: Mapped[bool] = mapped_column(server_default=text("false"))
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_for: Mapped[str | None]
    renewal_of: Mapped[UUID | None] = mapped_column(ForeignKey("letters.id"))
    renewal: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    renewal_due: Mapped[bool] = mapped_column(server_default=text("false"))
    announcement: Mapped[str | None] = mapped_column(ForeignKey("announcements.name"))


class LetterEvent(Base):
    """One step in a letter's life, in the order it became known; a report is recorded once by its id."""

    __tablename__ = "letter_events"
    __table_args__ = (
        CheckConstraint(one_of("state", DeliveryState), name="state"),
        # For db/letters.py: the timeline of one letter.
        Index("ix_letter_events_timeline", "letter_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    letter_id: Mapped[UUID] = mapped_column(ForeignKey("letters.id", ondelete="CASCADE"))
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    detail: Mapped[str | None]
    report_id: Mapped[UUID | None] = mapped_column(unique=True)


class OutboxRow(Base):
    """A message committed but not yet confirmed by the broker; deleted when settled, so the table stays small.

    While `held_until` is set no relay takes it: an operator, or scheduled work after that time, decides what becomes of it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint(one_of("kind", OutboxKind), name="kind"),
        CheckConstraint("rank >= 0", name="rank"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("(claimed_by IS NULL) = (claimed_until IS NULL)", name="claim"),
        CheckConstraint(one_of("held_for", HoldReason), name="held_for"),
        CheckConstraint("(held_until IS NULL) = (held_for IS NULL)", name="hold"),
        # For outbox/hold.py.
        Index("ix_outbox_held", "created_at", "id", postgresql_where=text("held_until IS NOT NULL")),
        # For outbox/: the next rows to publish, urgent before bulk, old before new.
        Index("ix_outbox_claim", "rank", "created_at", "id", postgresql_where=text("held_until IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    letter_id: Mapped[UUID] = mapped_column(ForeignKey("letters.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    rank: Mapped[int] = mapped_column(SmallInteger)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(server_default="0")
    claimed_by: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None]
    last_error: Mapped[str | None]
    correlation_id: Mapped[str | None]
    held_until: Mapped[datetime | None]
    held_for: Mapped[str | None]


class LimitCount(Base):
    """When the newest requests under a key were admitted, newest first, and whether the newest request was refused.

    `key` is a keyed hash of a mailbox, a network address or something else that is counted; nobody can be found by it.
    """

    __tablename__ = "limits"
    __table_args__ = (CheckConstraint("octet_length(key) = 32", name="key"),)

    key: Mapped[bytes] = mapped_column(primary_key=True)
    admitted: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    refused: Mapped[bool]


class HoldTotal(Base):
    """How many held letters ended so, since the first: for metrics, whichever process ended them."""

    __tablename__ = "hold_totals"
    __table_args__ = (CheckConstraint(one_of("ended", HoldEnd), name="ended"),)

    ended: Mapped[str] = mapped_column(primary_key=True)
    letters: Mapped[int] = mapped_column(BigInteger, server_default="0")
