"""The ledger: every letter is sent once, because whoever sends it holds a claim that nobody else can hold.

Invariant: between `claim` and `settle` at most one attempt of a letter gets a yes from `begin_transmission`, unless the
one before it was left `transmitting`; and that is counted as an ambiguity. One statement a step enforces it, the fence
in every later write defends it against a replica that was frozen and came back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from mail_contract.messages import Cancellation, EnvelopeHeader
from mailer_service.delivery.claim import Claim, Standing
from mailer_service.delivery.settlement import Settled, Settlement
from mailer_service.errors import LedgerUnavailable, Unauthentic
from mailer_service.store import statements
from mailer_service.store.presence import Presence
from mailer_service.store.tables import LetterState

log = structlog.get_logger(__name__)


class Ledger:
    """The only writer of the tables `letters` and `attempts`; every method raises LedgerUnavailable."""

    def __init__(self, engine: Engine, *, presence: Presence, replica: str, lease: timedelta) -> None:
        self._engine = engine
        self._presence = presence
        self._replica = replica
        self._lease = lease

    def claim(self, header: EnvelopeHeader, *, digest: bytes) -> Claim | Standing:
        """Takes the letter in hand, or tells why not.

        Args:
            header: of its envelope, verified.
            digest: of the envelope's signature.

        Raises:
            Unauthentic: another envelope was seen under this id before.
        """
        with self._connection() as connection:
            row = self._one(
                connection,
                statements.CLAIM,
                id=str(header.id),
                letter=header.letter.value,
                letter_class=header.letter_class.value,
                recipient_tag=header.recipient_tag,
                envelope_digest=digest,
                expires_at=header.expires_at,
                holder=self._replica,
                holder_key=self._presence.sign,
                lease=self._lease,
            )
            if row is None or row.holder is None:
                return self._standing(connection, header.id, digest)
            if row.claimed_from in {LetterState.CLAIMED, LetterState.TRANSMITTING}:
                self._note_abandoned(connection, header.id, row)
        return Claim(
            letter_id=header.id,
            fence=row.fence,
            attempt=row.attempts,
            ambiguities=row.ambiguities,
            first_seen=row.first_seen_at,
            claimed_at=row.at,
            remaining=row.remaining,
        )

    def begin_transmission(self, claim: Claim) -> bool:
        """Marks the letter as possibly sent from now on; False if it is no longer this claim's, or withdrawn."""
        with self._connection() as connection:
            row = self._one(
                connection, statements.BEGIN_TRANSMISSION, id=str(claim.letter_id), fence=claim.fence
            )
        return row is not None

    def settle(self, claim: Claim, settlement: Settlement) -> Settled | None:
        """Records what the attempt came to and lets go of the letter; None if somebody else has claimed it since."""
        with self._connection() as connection:
            row = self._one(
                connection,
                statements.SETTLE,
                id=str(claim.letter_id),
                fence=claim.fence,
                started_at=claim.claimed_at,
                replica=self._replica,
                state=settlement.state.value,
                ambiguous=int(settlement.ambiguous),
                outcome=settlement.outcome,
                reason=settlement.reason,
                phase=settlement.phase,
                reply=settlement.reply,
                duration_ms=settlement.duration_ms,
                provider=settlement.provider,
            )
        return None if row is None else Settled(state=LetterState(row.state), at=row.at)

    def cancel(self, cancellation: Cancellation) -> Standing:
        """Withdraws a letter, also one that has not arrived yet; tells where it stands now."""
        with self._connection() as connection:
            connection.execute(
                statements.CANCEL, {"id": str(cancellation.letter_id), "reason": cancellation.reason.value}
            )
            return self._standing(connection, cancellation.letter_id, None)

    def answers(self) -> bool:
        """Tells whether the database can be reached."""
        try:
            with self._connection() as connection:
                connection.execute(text("SELECT 1 FROM letters LIMIT 1"))
        except LedgerUnavailable:
            return False
        return True

    def _standing(self, connection: Connection, letter_id: UUID, digest: bytes | None) -> Standing:
        row = self._one(connection, statements.STANDING, id=str(letter_id))
        if row is None:  # erased between two statements; it is claimed or cancelled anew next time
            raise LedgerUnavailable("the letter vanished")
        if digest is not None and row.envelope_digest is not None and bytes(row.envelope_digest) != digest:
            raise Unauthentic("replayed_id")
        return Standing(
            state=LetterState(row.state),
            attempts=row.attempts,
            reason=row.last_reason,
            reply=row.last_reply,
            first_seen=row.first_seen_at,
            at=row.at,
        )

    def _note_abandoned(self, connection: Connection, letter_id: UUID, row: Any) -> None:
        ambiguous = row.claimed_from == LetterState.TRANSMITTING
        log.warning("claim_taken_over", letter_id=str(letter_id), attempt=row.attempts, ambiguous=ambiguous)
        connection.execute(
            statements.ABANDONED,
            {"id": str(letter_id), "number": row.attempts - 1, "claimed_from": row.claimed_from},
        )

    @staticmethod
    def _one(connection: Connection, statement: TextClause, **values: Any) -> Any:
        return connection.execute(statement, values).one_or_none()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except (IntegrityError, DataError):
            raise  # a mistake of this program; waiting would not mend it
        except (DBAPIError, PoolExhausted) as error:
            cause = getattr(error, "orig", None) or error
            raise LedgerUnavailable(type(cause).__name__) from error
