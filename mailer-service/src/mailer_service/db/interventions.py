"""The ledger's tables of what people did: with letters, with suppressions, and by which command."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mailer_service.db.tables import Base, Scope
from service_runtime.database.schema import one_of


class Intervention(StrEnum):
    """What a person did with a letter."""

    DROPPED = "dropped"
    HURRIED = "hurried"
    REDRIVEN = "redriven"


class InterventionRow(Base):
    """One thing done with one letter: a fact, written once.

    Attributes:
        letter_id, fence: whose, and which claim was the last before it; doing it twice is doing it once.
        kind: an `Intervention`.
        at: when.
        reason: token of what the letter had died of, None if a replica had died with it.
        actor: who, by the name they gave.
    """

    __tablename__ = "interventions"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(repr(str(kind)) for kind in Intervention)})", name="kind"),
    )

    letter_id: Mapped[UUID] = mapped_column(ForeignKey("letters.id", ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    reason: Mapped[str | None]
    actor: Mapped[str]


class OperatorActionRow(Base):
    """What one command changed: a fact, written once.

    Attributes:
        id: in the order they were written.
        at: when.
        actor: who, by the name they gave.
        action: the command, such as `dead redrive`.
        detail: what it was about, and how many; no address.
    """

    __tablename__ = "operator_actions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB())


class SuppressionAction(StrEnum):
    """What an operator did to a suppression."""

    ADDED = "added"
    REMOVED = "removed"


class SuppressionActionRow(Base):
    """A suppression that an operator added or removed: a fact, written once, with what it was about still a keyed hash.

    Attributes:
        id: in the order they were written.
        at: when.
        actor: who, by the name they gave.
        action: a `SuppressionAction`.
        key, scope, reason: of the suppression.
    """

    __tablename__ = "suppression_actions"
    __table_args__ = (
        CheckConstraint(one_of("action", SuppressionAction), name="action"),
        CheckConstraint(one_of("scope", Scope), name="scope"),
        CheckConstraint("octet_length(key) = 32", name="key"),
        # For `mailer-service suppressions log`.
        Index("ix_suppression_actions_key", "key", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    action: Mapped[str]
    key: Mapped[bytes]
    scope: Mapped[str]
    reason: Mapped[str]
