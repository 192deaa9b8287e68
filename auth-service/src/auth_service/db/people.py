"""The tables of people: accounts, registrations that wait to become one, and what proves that one reads a mailbox."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base
from auth_service.domain.campaign import HoldReason
from auth_service.domain.one_time_token import MAX_CODE_TRIES, Purpose
from auth_service.domain.registration import EndedFor, SecondThing
from service_runtime.database.schema import one_of

PASSWORD_KIND = r"regexp_replace(password_hash, '\$[^$]*\$[^$]*$', '')"  # noqa: S105 - an expression
"""What stands before salt and digest of a hash: how it is computed, as `security.stored_hashes.kind_of` says."""


class Account(Base):
    """A person who proved to read an address's mail; without a password one who signs in by link or code only."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("length(email) <= 320 AND length(canonical_email) <= 320", name="length"),
        # For db/password_kinds.py.
        Index("ix_accounts_password_kind", text(PASSWORD_KIND)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    # Of any number of registrations confirmed at once, this lets one become the account.
    canonical_email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    locale: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    verified_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class Registration(Base):
    """Somebody asked for an account: pending until `ended_at`. Any number may be pending for one address.

    Receipt, secret and refusal token are derived from `id`; the hashes are what they are found by.
    """

    __tablename__ = "registrations"
    __table_args__ = (
        CheckConstraint("length(email) <= 320 AND length(canonical_email) <= 320", name="length"),
        CheckConstraint("octet_length(secret_hash) = 32 AND octet_length(refusal_hash) = 32", name="hashes"),
        CheckConstraint("length(device) <= 64 AND length(client_id) <= 64", name="words"),
        CheckConstraint(one_of("ended_for", EndedFor), name="ended_for"),
        CheckConstraint("(ended_at IS NULL) = (ended_for IS NULL)", name="ended"),
        CheckConstraint(one_of("confirmed_with", SecondThing), name="confirmed_with"),
        CheckConstraint(
            f"(confirmed_with IS NOT NULL) = (ended_for IS NOT DISTINCT FROM '{EndedFor.CONFIRMED}')",
            name="confirmed",
        ),
        CheckConstraint(one_of("held_for", HoldReason), name="held_for"),
        # For maintenance/purge.py and db/campaigns.py.
        Index("ix_registrations_created_at", "created_at"),
        # For db/reminders.py.
        Index(
            "ix_registrations_to_be_reminded",
            "created_at",
            postgresql_where=text("ended_at IS NULL AND reminded_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    canonical_email: Mapped[str] = mapped_column(index=True)
    recipient_tag: Mapped[str]
    password_hash: Mapped[str]
    locale: Mapped[str]
    device: Mapped[str] = mapped_column(server_default="")
    client_id: Mapped[str | None]
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    refusal_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    ended_for: Mapped[str | None]
    confirmed_with: Mapped[str | None]
    proved: Mapped[bool] = mapped_column(server_default=text("false"))
    held_for: Mapped[str | None]
    # Since when it has, or for a reason will never have, its one letter of reminder.
    reminded_at: Mapped[datetime | None]


class RefusedMailbox(Base):
    """A mailbox whose reader said "this wasn't me": until then it gets no letters of registration."""

    __tablename__ = "refused_mailboxes"

    recipient_tag: Mapped[str] = mapped_column(primary_key=True)
    refused_at: Mapped[datetime] = mapped_column(server_default=func.now())
    until: Mapped[datetime]


class OneTimeToken(Base):
    """A link and a code for one purpose, as hashes only, of a registration, an account or a change of an account's address.

    A row without any of them is a decoy: written, void from birth, so that an unknown address costs what a known one
    does. So is one whose letter is not sent: each open code is one more that a guess may hit.
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        CheckConstraint(one_of("purpose", Purpose), name="purpose"),
        CheckConstraint("octet_length(link_hash) = 32 AND octet_length(code_hash) = 32", name="hashes"),
        CheckConstraint(f"code_tries BETWEEN 0 AND {MAX_CODE_TRIES}", name="code_tries"),
        CheckConstraint("expires_at > created_at", name="lifetime"),
        CheckConstraint("used_at IS NULL OR voided_at IS NULL", name="one_end"),
        CheckConstraint(
            "registration_id IS NOT NULL OR account_id IS NOT NULL OR voided_at IS NOT NULL",
            name="decoy_is_void",
        ),
        CheckConstraint("registration_id IS NULL OR account_id IS NULL", name="one_owner"),
        CheckConstraint("email_change_id IS NULL OR account_id IS NOT NULL", name="email_change"),
        # For maintenance/purge.py.
        Index("ix_one_time_tokens_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    registration_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("registrations.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    email_change_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("email_changes.id", ondelete="CASCADE"), index=True
    )
    # Of the mailbox that a reset or a sign-in was sent to; none of a decoy, and of an older release's tokens.
    recipient_tag: Mapped[str | None]
    purpose: Mapped[str]
    link_hash: Mapped[bytes] = mapped_column(unique=True)
    code_hash: Mapped[bytes]
    code_tries: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
