"""The table of holds, and its statements: letters that an operator keeps waiting, by class, provider or domain."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Identity, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from mailer_service.db.tables import Base
from service_runtime.database.schema import one_of


class HoldKind(StrEnum):
    """What a hold is about."""

    CLASS = "class"
    DOMAIN = "domain"
    PROVIDER = "provider"


class HoldRow(Base):
    """A hold; it ends when it expires, or when an operator releases it.

    Attributes:
        id: in the order they were made.
        kind: a `HoldKind`.
        target: name of the class, `host:port` of the provider, or the domain's keyed hash, hexadecimal.
        reason: an operator's words, no address.
        actor: who made it, by the name they gave.
        since, expires_at: from when; until when, None until it is released.
    """

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint(one_of("kind", HoldKind), name="kind"),
        UniqueConstraint("kind", "target", name="uq_holds_target"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]
    target: Mapped[str]
    reason: Mapped[str]
    actor: Mapped[str]
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]


LOOK = text(
    """
    SELECT kind, target, reason, actor, since, expires_at, extract(epoch FROM expires_at - now()) AS seconds
    FROM holds WHERE expires_at IS NULL OR expires_at > now() ORDER BY id
    """
)

SWEEP = text("DELETE FROM holds WHERE expires_at <= now()")

ADD = text(
    """
    INSERT INTO holds (kind, target, reason, actor, expires_at)
    VALUES (:kind, :target, :reason, :actor, now() + CAST(:lifetime AS interval))
    ON CONFLICT (kind, target) DO UPDATE SET
        reason = excluded.reason, actor = excluded.actor, since = excluded.since, expires_at = excluded.expires_at
    """
)

RELEASE = text("DELETE FROM holds WHERE kind = :kind AND target = :target")

PROVIDERS = text(
    """
    SELECT name, reason, account, openings, probe_at, width, speed FROM providers ORDER BY name
    """
)
"""The providers that mailers have used, for people."""
