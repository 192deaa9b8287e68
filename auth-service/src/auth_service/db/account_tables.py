"""The tables of what belongs to an account: sessions, changes of its address, and the audit, which outlives it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base
from auth_service.domain.audit import AuditResult
from auth_service.domain.session import MAX_SOURCE_LENGTH, SessionEnd
from service_runtime.database.schema import one_of


class AccountSession(Base):
    """A sign-in and what follows from it: open while `ended_at` is null and `idle_until` is to come.

    `idle_until` moves with each use, at most to `expires_at`, which does not move. `source` is the network address that its
    person is shown, `network` the name under which its requests are counted; both go with the session.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint(one_of("ended_for", SessionEnd), name="ended_for"),
        CheckConstraint("(ended_at IS NULL) = (ended_for IS NULL)", name="ended"),
        CheckConstraint("expires_at > created_at AND idle_until <= expires_at", name="lifetime"),
        CheckConstraint("cardinality(amr) BETWEEN 1 AND 4", name="amr"),
        CheckConstraint(
            f"length(device) <= 64 AND length(client_id) <= 64 AND length(source) <= {MAX_SOURCE_LENGTH}",
            name="words",
        ),
        CheckConstraint(f"length(network) <= {MAX_SOURCE_LENGTH}", name="network"),
        # For db/sessions.py: a person's sessions, newest first.
        Index("ix_sessions_account_id", "account_id", "created_at", "id"),
        # For db/accounts.py: whether one came from there before.
        Index("ix_sessions_network", "account_id", "network"),
        # For maintenance/purge.py.
        Index("ix_sessions_idle_until", "idle_until"),
        Index("ix_sessions_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    client_id: Mapped[str]
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text))
    auth_time: Mapped[datetime]
    device: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str] = mapped_column(server_default="")
    network: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    idle_until: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_for: Mapped[str | None]
    delegated: Mapped[bool] = mapped_column(server_default=text("false"))


class AuthorizationCode(Base):
    """A code that an application may exchange for a session once, as a hash only; good while the browser's session is open."""

    __tablename__ = "authorization_codes"
    __table_args__ = (
        CheckConstraint("octet_length(hash) = 32", name="hash"),
        CheckConstraint(
            "length(client_id) <= 64 AND length(redirect_uri) <= 1024 AND length(challenge) = 43",
            name="words",
        ),
        CheckConstraint("opened_id IS NULL OR used_at IS NOT NULL", name="opened"),
        # For maintenance/purge.py.
        Index("ix_authorization_codes_expires_at", "expires_at"),
        # For whoever deletes a session.
        Index(
            "ix_authorization_codes_opened_id", "opened_id", postgresql_where=text("opened_id IS NOT NULL")
        ),
    )

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    client_id: Mapped[str]
    redirect_uri: Mapped[str]
    challenge: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    opened_id: Mapped[UUID | None] = mapped_column(ForeignKey("sessions.id", ondelete="SET NULL"))


class RefreshToken(Base):
    """A refresh token of a session, as a hash only. Its successor is derived from it, so that a retry can get the same."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        CheckConstraint("octet_length(hash) = 32", name="hash"),
        # For maintenance/purge.py.
        Index("ix_refresh_tokens_used_at", "used_at", postgresql_where=text("used_at IS NOT NULL")),
    )

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]


class EmailChange(Base):
    """An account's wish for another address: pending until it is confirmed or ended; one confirmed may be reverted."""

    __tablename__ = "email_changes"
    __table_args__ = (
        CheckConstraint(
            "length(email) <= 320 AND length(canonical_email) <= 320"
            " AND length(old_email) <= 320 AND length(old_canonical_email) <= 320",
            name="length",
        ),
        CheckConstraint("confirmed_at IS NULL OR ended_at IS NULL", name="one_end"),
        CheckConstraint("reverted_at IS NULL OR confirmed_at IS NOT NULL", name="reverted"),
        # A newer wish ends the one before.
        Index(
            "uq_email_changes_pending",
            "account_id",
            unique=True,
            postgresql_where=text("confirmed_at IS NULL AND ended_at IS NULL"),
        ),
        # For maintenance/purge.py.
        Index("ix_email_changes_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    email: Mapped[str]
    canonical_email: Mapped[str]
    recipient_tag: Mapped[str]
    old_email: Mapped[str]
    old_canonical_email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    reverted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


OF_A_MAILBOX: Final = text("actor = 'stranger' AND length(target) <> 36")
"""Of an audit's row: what a stranger tried with a mailbox that has no account; an account's id has 36 characters."""


class AuditEvent(Base):
    """Something that was done to an account, or was refused.

    `target` is the account's id, which says nothing when the account is gone, or a keyed hash where there never was one; no
    reference, so that it outlives the account.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        CheckConstraint(one_of("result", AuditResult), name="result"),
        CheckConstraint(
            "length(actor) BETWEEN 1 AND 128 AND length(action) BETWEEN 1 AND 64 AND length(target) <= 64",
            name="words",
        ),
        CheckConstraint("octet_length(detail::text) <= 2048", name="detail"),
        # For `auth-service audit`.
        Index("ix_audit_events_target", "target", "id"),
        # For maintenance/purge.py.
        Index("ix_audit_events_at", "at"),
        Index("ix_audit_events_of_mailboxes", "at", postgresql_where=OF_A_MAILBOX),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    result: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))


class AccountImport(Base):
    """The import of one file of accounts, known by its SHA-256; the counts move in the transaction that makes the accounts."""

    __tablename__ = "account_imports"
    __table_args__ = (
        CheckConstraint("octet_length(digest) = 32", name="digest"),
        CheckConstraint("records = accounts + pending + refused", name="counts"),
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    records: Mapped[int] = mapped_column(server_default="0")
    accounts: Mapped[int] = mapped_column(server_default="0")
    pending: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[int] = mapped_column(server_default="0")
    finished_at: Mapped[datetime | None]
