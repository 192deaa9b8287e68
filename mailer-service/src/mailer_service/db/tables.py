"""The ledger: what the mailer knows of a letter, and every attempt at it as a row of its own.

No address, link or code is ever written here, and nothing by which a recipient could be told from others. All times are
the database's.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Double,
    ForeignKey,
    MetaData,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mail_contract.messages import CancellationReason
from service_runtime.database.schema import COLUMN_TYPES, CONSTRAINT_NAMES, name_of_ours, one_of


class LetterState(StrEnum):
    """Where a letter stands with the mailer."""

    CLAIMED = "claimed"
    """An attempt has it in hand and has not spoken to a mail server yet."""
    TRANSMITTING = "transmitting"
    """An attempt has it in hand and may have sent the final dot: left like this, the letter is ambiguous."""
    WAITING = "waiting"
    """On its way to its next attempt."""
    ACCEPTED = "accepted"
    """A mail server took it."""
    DISCARDED = "discarded"
    """A decoy, not sent."""
    DEAD = "dead"
    """Not sent unless a person acts."""
    UNCONFIRMED = "unconfirmed"
    """A mail server may have it: it never said, and no further copy is sent unless a person acts."""
    EXPIRED = "expired"
    """Not sent, too late."""
    SUPPRESSED = "suppressed"
    """Not sent, because nobody would read it there."""
    CANCELLED = "cancelled"
    """Withdrawn by auth-service before it was accepted."""


IN_HAND = frozenset({LetterState.CLAIMED, LetterState.TRANSMITTING})
"""The states of a letter that somebody holds a claim on."""


NEVER_AMONG_THE_DEAD = frozenset({LetterState.ACCEPTED, LetterState.DISCARDED})
"""The states of a letter that lies among the dead letters no more, or never did."""


class Scope(StrEnum):
    """Whom a suppression keeps letters from."""

    RECIPIENT = auto()
    DOMAIN = auto()


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = dict(COLUMN_TYPES)


class LetterRow(Base):
    """One letter, from its first arrival, or from its cancellation if that came first.

    Attributes:
        id: of the letter, as in its envelope.
        letter, letter_class, expires_at: from the clear header; None while only cancelled.
        recipient_tag: None. An older release wrote the header's here; it may still run while this one begins.
        envelope_digest: SHA-256 of the envelope's signature; another envelope under this id is a replay.
        state: a `LetterState`.
        claimed_from: the state the last claim found; from `transmitting` it took over an ambiguous attempt.
        fence: grows with every claim; a write with an older number is refused.
        holder: which replica has it in hand.
        holder_key: of that replica's advisory lock, its sign of life; None if it had none when it claimed.
        lease_until: until when the holder is believed to be working on it even without a sign of life.
        attempts: claims so far.
        ambiguities: how often the final dot may have been sent without its reply being read.
        refusals: how often each kind of refusal was heard that is borne only so often.
        ambiguous: whether that ever happened; only then may a second copy exist.
        next_at: from when a letter that a server may have can be claimed again; a copy of its message may come sooner.
        bound_to: the only provider the next attempt may ask, `host:port`; None if any.
        cancellation: why it was withdrawn, if it was.
        last_reason: token of the last outcome.
        last_reply: the server's last words, redacted.
    """

    __tablename__ = "letters"
    __table_args__ = (
        CheckConstraint(one_of("state", LetterState), name="state"),
        CheckConstraint(name_of_ours("letter_class"), name="letter_class"),
        CheckConstraint(one_of("cancellation", CancellationReason), name="cancellation"),
        CheckConstraint("fence >= 0 AND attempts >= 0 AND ambiguities >= 0", name="counts"),
        CheckConstraint(
            f"({one_of('state', IN_HAND)}) = (holder IS NOT NULL AND lease_until IS NOT NULL)",
            name="in_hand",
        ),
        CheckConstraint(
            "state = 'cancelled' OR (letter IS NOT NULL AND letter_class IS NOT NULL"
            " AND envelope_digest IS NOT NULL AND expires_at IS NOT NULL)",
            name="known",
        ),
        CheckConstraint("state <> 'cancelled' OR cancellation IS NOT NULL", name="cancelled_for_a_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    letter: Mapped[str | None]
    letter_class: Mapped[str | None]
    recipient_tag: Mapped[str | None]
    envelope_digest: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    state: Mapped[str]
    claimed_from: Mapped[str | None]
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    holder: Mapped[str | None]
    holder_key: Mapped[int | None] = mapped_column(BigInteger())
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    ambiguities: Mapped[int] = mapped_column(server_default=text("0"))
    refusals: Mapped[dict[str, int]] = mapped_column(JSONB(), server_default=text("'{}'::jsonb"))
    ambiguous: Mapped[bool] = mapped_column(Computed("ambiguities > 0", persisted=True))
    next_at: Mapped[datetime | None]
    bound_to: Mapped[str | None]
    cancellation: Mapped[str | None]
    last_reason: Mapped[str | None]
    last_reply: Mapped[str | None]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AttemptRow(Base):
    """One attempt at one letter with one provider: a fact, written once.

    Attributes:
        letter_id, fence, part: of which claim it came, and which of its providers it was with, from 0.
        number: which of the letter's attempts it was; the next has the same where this one was given back, for the
            provider was at fault. Those whose replica died before it could say so may be absent.
        started_at: when it was claimed.
        outcome: the outcome's type, such as `sent` or `try_later`.
        reason: its token.
        phase: how far the conversation came; None if no server was asked.
        reply: the server's last words, redacted.
        duration_ms: from claim to outcome.
        provider: which server, `host:port`.
        replica: who made it.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint("fence >= 0 AND part >= 0 AND number >= 1 AND duration_ms >= 0", name="counts"),
    )

    letter_id: Mapped[UUID] = mapped_column(ForeignKey("letters.id", ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default=text("0"))
    number: Mapped[int]
    started_at: Mapped[datetime]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    phase: Mapped[str | None]
    reply: Mapped[str | None]
    duration_ms: Mapped[int]
    provider: Mapped[str | None]
    replica: Mapped[str]


class SuppressionRow(Base):
    """A recipient or a domain that gets no letters, known by a keyed hash only.

    Attributes:
        key: HMAC-SHA256 of scope and canonical address or domain, with the mailer's own key.
        scope: a `Scope`.
        reason: token of the reply that said so, or a person's word.
        since: when it was first said.
        expires_at: from when it holds no more, nor counts; None if until a person removes it.
        times: how often it was said.
        needed: how often it must be said before it holds.
    """

    __tablename__ = "suppressions"
    __table_args__ = (
        CheckConstraint(one_of("scope", Scope), name="scope"),
        CheckConstraint("octet_length(key) = 32", name="key"),
        CheckConstraint("times >= 1 AND needed >= 1", name="counts"),
    )

    key: Mapped[bytes] = mapped_column(primary_key=True)
    scope: Mapped[str]
    reason: Mapped[str]
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    times: Mapped[int] = mapped_column(server_default=text("1"))
    needed: Mapped[int] = mapped_column(server_default=text("1"))


class ProviderRow(Base):
    """What all replicas know of one mail server together; made by whoever needs it first.

    Attributes:
        name: `host:port`.
        reason: token of what it was given up for; None while letters go there.
        account: whether it refuses us as a customer.
        openings: how often it was given up or tried in vain since it last took a letter.
        set_up: whether it was given up since then because we may not send like this.
        probe_at: when it may be tried again, or when whoever tries it is given up.
        width: which part of the connections allowed may be open since it last asked for fewer.
        speed: which part of the rate allowed may be used since then.
        slowed_at: when it last asked; both grow again from there.
        next_at: the next free moment, where the rate is limited.
        wanted_at: when a replica last found no connection left for it.
    """

    __tablename__ = "providers"
    __table_args__ = (
        CheckConstraint("width > 0 AND width <= 1 AND speed > 0 AND speed <= 1", name="parts"),
        CheckConstraint("openings >= 0", name="counts"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str | None]
    account: Mapped[bool] = mapped_column(server_default=text("false"))
    openings: Mapped[int] = mapped_column(server_default=text("0"))
    set_up: Mapped[bool] = mapped_column(server_default=text("false"))
    probe_at: Mapped[datetime] = mapped_column(server_default=func.now())
    width: Mapped[float] = mapped_column(Double(), server_default=text("1"))
    speed: Mapped[float] = mapped_column(Double(), server_default=text("1"))
    slowed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    wanted_at: Mapped[datetime | None]
