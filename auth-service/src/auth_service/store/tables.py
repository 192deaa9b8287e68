"""The tables of the database `auth`; what must never be untrue is a constraint here, not a hope elsewhere.

All times are the database's. Closed choices are text with a CHECK, so that a new value is an ordinary migration.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from auth_service.domain.delivery import OPEN_STATES, DeliveryState
from auth_service.domain.one_time_token import MAX_CODE_TRIES, Purpose
from mail_contract.letters import LetterClass, LetterName

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class OutboxKind(StrEnum):
    """What an outbox row publishes."""

    LETTER = "letter"
    CANCELLATION = "cancellation"


def _one_of(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in sorted(values))})"


class Base(DeclarativeBase):
    """Base of all tables; names every constraint, so that migrations can speak of it."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        bytes: LargeBinary(),
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
    }


def table_of(model: type[Base]) -> Table:
    """Returns the plain table of a model.

    The API's statements are built on these once, at import: executing one costs 0.2 ms, through the mapper 0.4, and a
    registration has nine.
    """
    return cast("Table", model.__table__)


class Account(Base):
    """A person who asked to register.

    `generation` grows when somebody registers the address again before it is verified: whatever was sent for an
    older generation proves nothing about the newest password.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("generation >= 1", name="generation"),
        CheckConstraint("length(email) <= 320 AND length(canonical_email) <= 320", name="length"),
        # For maintenance/purge.py.
        Index("ix_accounts_unverified", "created_at", postgresql_where=text("verified_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    canonical_email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    locale: Mapped[str]
    generation: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    verified_at: Mapped[datetime | None]


class OneTimeToken(Base):
    """A link and a code for one purpose, as hashes only.

    A row without an account is a decoy: written, void from birth, so that an unknown address costs what a known one does.
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        CheckConstraint(_one_of("purpose", Purpose), name="purpose"),
        CheckConstraint("octet_length(link_hash) = 32 AND octet_length(code_hash) = 32", name="hashes"),
        CheckConstraint(f"code_tries BETWEEN 0 AND {MAX_CODE_TRIES}", name="code_tries"),
        CheckConstraint("expires_at > created_at", name="lifetime"),
        CheckConstraint("used_at IS NULL OR voided_at IS NULL", name="one_end"),
        CheckConstraint("account_id IS NOT NULL OR voided_at IS NOT NULL", name="decoy_is_void"),
        # A newer token voids the older one of its purpose: at most one is open at any time.
        Index(
            "uq_one_time_tokens_open",
            "account_id",
            "purpose",
            unique=True,
            postgresql_where=text("used_at IS NULL AND voided_at IS NULL"),
        ),
        # For maintenance/purge.py.
        Index("ix_one_time_tokens_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str]
    address: Mapped[str]
    generation: Mapped[int]
    link_hash: Mapped[bytes] = mapped_column(unique=True)
    code_hash: Mapped[bytes]
    code_tries: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]


class Letter(Base):
    """One letter asked of the mailer, and what is known of it.

    `state` is moved by the relay (accepted → queued) and by reports only; `withdrawn_at` says that a cancellation
    was written for it, which the mailer may or may not have been in time to obey.
    """

    __tablename__ = "letters"
    __table_args__ = (
        CheckConstraint(_one_of("letter", LetterName), name="letter"),
        CheckConstraint(_one_of("letter_class", LetterClass), name="letter_class"),
        CheckConstraint(_one_of("state", DeliveryState), name="state"),
        CheckConstraint("octet_length(receipt_hash) = 32", name="receipt_hash"),
        CheckConstraint("expires_at > created_at", name="lifetime"),
        # For store/letters.py: withdraw what is still on its way to a recipient.
        Index(
            "ix_letters_open",
            "recipient_tag",
            postgresql_where=text(f"withdrawn_at IS NULL AND {_one_of('state', OPEN_STATES)}"),
        ),
        # For maintenance/purge.py.
        Index("ix_letters_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL"), index=True
    )
    letter: Mapped[str]
    letter_class: Mapped[str]
    recipient_tag: Mapped[str]
    receipt_hash: Mapped[bytes] = mapped_column(unique=True)
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class LetterEvent(Base):
    """One step in a letter's life, in the order it became known; a report is recorded once by its id."""

    __tablename__ = "letter_events"
    __table_args__ = (
        CheckConstraint(_one_of("state", DeliveryState), name="state"),
        # For store/letters.py: the timeline of one letter.
        Index("ix_letter_events_timeline", "letter_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    letter_id: Mapped[UUID] = mapped_column(ForeignKey("letters.id", ondelete="CASCADE"))
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    detail: Mapped[str | None]
    report_id: Mapped[UUID | None] = mapped_column(unique=True)


class OutboxRow(Base):
    """A message committed but not yet confirmed by the broker; deleted when settled, so the table stays small."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint(_one_of("kind", OutboxKind), name="kind"),
        CheckConstraint("rank BETWEEN 0 AND 3", name="rank"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("(claimed_by IS NULL) = (claimed_until IS NULL)", name="claim"),
        # For outbox/: the next rows to publish, urgent before bulk, old before new.
        Index("ix_outbox_claim", "rank", "created_at", "id"),
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
