"""Committed letters for tests of what comes after the flow, and a look at what became of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from auth_service.db.tables import Letter, LetterEvent, OutboxKind, OutboxRow, Registration
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.rank import CANCELLATION_RANK, LETTER_RANKS
from auth_service.outbox.message import WAKE_UP_CHANNEL
from mail_contract.letters import LetterClass, LetterName
from mail_contract.messages import (
    Cancellation,
    CancellationReason,
    DeliveryReport,
    Envelope,
    EnvelopeHeader,
    ReportedState,
)
from service_runtime.database.engine import build_engine, build_sessions
from service_runtime.telemetry import current_correlation_id


def envelope(
    letter_class: LetterClass = LetterClass.URGENT, *, lifetime: timedelta = timedelta(hours=1)
) -> Envelope:
    """An envelope of the usual size; nobody on this side of the broker can tell that nothing is in it."""
    now = datetime.now(UTC)
    header = EnvelopeHeader(
        id=uuid4(),
        letter=LetterName.VERIFY_ADDRESS,
        letter_class=letter_class,
        priority=6,
        created_at=now,
        expires_at=now + lifetime,
        locale="en",
        recipient_tag="tag",
    )
    return Envelope(
        header=header, sealing_key_id="s1", signing_key_id="k1", sealed="x" * 760, signature="y" * 86
    )


def add_letters(
    session: Session, letters: Sequence[Envelope], *, state: DeliveryState = DeliveryState.ACCEPTED
) -> None:
    """The rows a flow writes before it enqueues its letter."""
    headers = [one.header for one in letters]
    session.execute(
        insert(Letter),
        [
            {
                "id": header.id,
                "letter": header.letter,
                "letter_class": header.letter_class,
                "recipient_tag": header.recipient_tag,
                "receipt_hash": header.id.bytes * 2,
                "state": state,
                "created_at": header.created_at - timedelta(days=1),
                "expires_at": header.expires_at,
            }
            for header in headers
        ],
    )
    events = [{"letter_id": header.id, "state": DeliveryState.ACCEPTED} for header in headers]
    session.execute(insert(LetterEvent), events)


@dataclass(slots=True, kw_only=True)
class Outbox:
    """The database as a flow writes it and as a test reads it."""

    sessions: sessionmaker[Session]

    @classmethod
    def at(cls, url: str) -> "Outbox":
        return cls(sessions=build_sessions(build_engine(url, application="test")))

    def commit(
        self,
        count: int = 1,
        letter_class: LetterClass = LetterClass.URGENT,
        *,
        lifetime: timedelta = timedelta(hours=1),
        state: DeliveryState = DeliveryState.ACCEPTED,
    ) -> list[UUID]:
        """Commits that many letters in one transaction; gives back their ids."""
        sealed = [envelope(letter_class, lifetime=lifetime) for _ in range(count)]
        self.put(sealed, state=state)
        return [one.header.id for one in sealed]

    def hang_on_registration(self, *, age: timedelta = timedelta()) -> UUID:
        """Says that one registration asked for every letter there is; gives back its id."""
        id_ = uuid4()
        with self.sessions.begin() as session:
            session.execute(
                insert(Registration).values(
                    id=id_,
                    email=f"{id_}@example.com",
                    canonical_email=f"{id_}@example.com",
                    recipient_tag="tag",
                    password_hash="hash",
                    locale="en",
                    secret_hash=id_.bytes * 2,
                    refusal_hash=id_.bytes * 2,
                    created_at=func.now() - age,
                )
            )
            session.execute(update(Letter).values(registration_id=id_))
        return id_

    def put(self, sealed: Sequence[Envelope], *, state: DeliveryState = DeliveryState.ACCEPTED) -> None:
        """Commits these letters in one transaction."""
        with self.sessions.begin() as session:
            add_letters(session, sealed, state=state)
            for rank in sorted({LETTER_RANKS[one.header.letter_class] for one in sealed}):
                rows = [
                    {"id": one.header.id, "letter_id": one.header.id, "payload": one.model_dump(mode="json")}
                    for one in sealed
                    if LETTER_RANKS[one.header.letter_class] == rank
                ]
                self._add_rows(session, rows, kind=OutboxKind.LETTER, rank=rank)

    def cancel(self, letter_id: UUID) -> UUID:
        """Commits the cancellation of a letter; gives back its own id."""
        cancellation = Cancellation(
            letter_id=letter_id, reason=CancellationReason.SUPERSEDED, at=datetime.now(UTC)
        )
        own_id = uuid4()
        row = {"id": own_id, "letter_id": letter_id, "payload": cancellation.model_dump(mode="json")}
        with self.sessions.begin() as session:
            self._add_rows(session, [row], kind=OutboxKind.CANCELLATION, rank=CANCELLATION_RANK)
        return own_id

    @staticmethod
    def _add_rows(session: Session, rows: Sequence[dict[str, Any]], *, kind: OutboxKind, rank: int) -> None:
        """Many rows in one statement; a flow never writes more than one or two."""
        same = {"kind": kind, "rank": rank, "correlation_id": current_correlation_id()}
        session.execute(insert(OutboxRow), [{**same, **row} for row in rows])
        session.execute(select(func.pg_notify(WAKE_UP_CHANNEL, "")))

    def now(self) -> datetime:
        """The database's time."""
        with self.sessions() as session:
            return session.scalars(select(func.now())).one()

    def rows(self) -> list[OutboxRow]:
        with self.sessions() as session:
            return list(session.scalars(select(OutboxRow).order_by(OutboxRow.rank, OutboxRow.created_at)))

    def size(self) -> int:
        with self.sessions() as session:
            return session.scalar(select(func.count()).select_from(OutboxRow)) or 0

    def is_empty(self) -> bool:
        return self.size() == 0

    def states(self) -> Counter[str]:
        """How many letters are in each state."""
        with self.sessions() as session:
            return Counter(session.scalars(select(Letter.state)))

    def timeline(self, letter_id: UUID) -> list[str]:
        with self.sessions() as session:
            return list(
                session.scalars(
                    select(LetterEvent.state)
                    .where(LetterEvent.letter_id == letter_id)
                    .order_by(LetterEvent.id)
                )
            )


def ids_of(messages: list[dict[str, Any]]) -> Counter[UUID]:
    """How often each letter is among messages taken from a queue."""
    return Counter(UUID(message["properties"]["headers"]["id"]) for message in messages)


def report(letter_id: UUID, state: ReportedState, *, reason: str | None = None) -> DeliveryReport:
    """What the mailer says of a letter, under a new id."""
    return DeliveryReport(
        id=uuid4(), letter_id=letter_id, state=state, at=datetime.now(UTC), attempt=1, reason=reason
    )
