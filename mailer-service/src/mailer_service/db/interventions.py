"""The ledger's table of what people did with dead letters."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from mailer_service.db.tables import Base


class Intervention(StrEnum):
    """What a person did with a dead letter."""

    DROPPED = "dropped"
    REDRIVEN = "redriven"


class InterventionRow(Base):
    """One thing done with one letter: a fact, written once.

    Attributes:
        letter_id, fence: whose, and which claim was the last before it; doing it twice is doing it once.
        kind: an `Intervention`.
        at: when.
        reason: token of what the letter had died of, None if a replica had died with it.
        actor: who, `user@machine`.
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
