"""The ledger: every letter is sent once, because whoever sends it holds a claim that nobody else can hold.

Invariant: between `claim` and `settle` at most one attempt of a letter begins its transmission, with the claim or by a yes
from `begin_transmission`, unless the one before it was left `transmitting`; and that is counted as an ambiguity. One
statement a step enforces it, the fence in every later write defends it against a replica that was frozen and came back.

Threads that ask at the same time share a statement, and so its round trip and its flush to disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from mail_contract.messages import Cancellation, EnvelopeHeader
from mailer_service.batcher import GATHERING_SECONDS, Batcher
from mailer_service.db import ledger_statements as statements
from mailer_service.db.session_lock import SessionLock
from mailer_service.db.suppression_statements import FORGET
from mailer_service.delivery.attempt import Attempt
from mailer_service.delivery.claim import Claim, LetterStatus, Settled, Wanted
from mailer_service.delivery.entries import (
    begin_all,
    claim_all,
    settle_all,
    settle_and_suppress,
    statuses,
)
from mailer_service.errors import LedgerUnavailable, LetterLocked
from mailer_service.suppression.recipient_hashes import RecipientHashes
from service_runtime.database.engine import translated

_LOCK_NOT_AVAILABLE, _DEADLOCK_DETECTED = "55P03", "40P01"
"""SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html"""


class Ledger:
    """The only writer of the tables `letters` and `attempts`; every method raises LedgerUnavailable."""

    def __init__(self, engine: Engine, *, session_lock: SessionLock, replica: str, lease: timedelta) -> None:
        self._engine = engine
        self._session_lock = session_lock
        self._replica = replica
        self._lease = lease
        self._claims: Batcher[Wanted, Claim | LetterStatus] = Batcher(
            self._claim_all, every=GATHERING_SECONDS, concerns_all=_concerns_all
        )
        self._beginnings = Batcher(self._begin_all, every=GATHERING_SECONDS, concerns_all=_concerns_all)
        self._settlements = Batcher(self._settle_all, every=GATHERING_SECONDS, concerns_all=_concerns_all)

    def claim(
        self,
        header: EnvelopeHeader,
        *,
        digest: bytes,
        hashes: RecipientHashes | None = None,
        provider: str | None = None,
    ) -> Claim | LetterStatus:
        """Takes the letter in hand, or tells why not.

        Args:
            header: of its envelope, verified.
            digest: of the envelope's signature.
            hashes: of its recipient, to look for suppressions; None if the address is none.
            provider: whom it will be given to at once. A letter that is free to go there is marked as possibly there
                in the same step, see `Claim.begun_with`.

        Raises:
            Unauthentic: another envelope was seen under this id before.
        """
        return self._claims.ask(Wanted(header=header, digest=digest, hashes=hashes, provider=provider))

    def begin_transmission(self, claim: Claim, *, provider: str) -> bool:
        """Marks the letter as possibly with the provider from now on; False if it is no longer ours, or withdrawn.

        Whoever turns to another provider begins again: then the first one has certainly not accepted it.
        """
        return self._beginnings.ask((claim, provider))

    def extend(self, claim: Claim) -> bool:
        """Keeps the letter in hand for another lease, its final dot having left; False if somebody else has claimed it."""
        with self._connection() as connection:
            extended = connection.execute(
                statements.EXTEND, {"id": str(claim.letter_id), "fence": claim.fence, "lease": self._lease}
            )
            return extended.rowcount > 0

    def settle(self, attempt: Attempt) -> Settled | None:
        """Records what the attempt came to and lets go of the letter; None if somebody else has claimed it since."""
        suppression = attempt.suppression
        if suppression is None:
            return self._settlements.ask(attempt)
        with self._connection() as connection:
            return settle_and_suppress(connection, attempt, suppression, replica=self._replica)

    def cancel(self, cancellation: Cancellation) -> LetterStatus:
        """Withdraws a letter, also one that has not arrived yet; tells where it stands now."""
        letter_id = cancellation.letter_id
        with self._connection() as connection:
            connection.execute(statements.CANCEL, {"id": str(letter_id), "reason": cancellation.reason.value})
            status = statuses(connection, [(letter_id, None)])[letter_id]
        if isinstance(status, Exception):
            raise status
        return status

    def forget(self, hashes: RecipientHashes) -> None:
        """Lifts what a server's answers said of a mailbox; what a person said of it stays, and what is said of its domain."""
        with self._connection() as connection:
            connection.execute(FORGET, {"key": hashes.recipient})

    def answers(self) -> bool:
        """Tells whether the database can be reached."""
        try:
            with self._connection() as connection:
                connection.execute(text("SELECT 1 FROM letters LIMIT 1"))
        except LedgerUnavailable:
            return False
        return True

    def _claim_all(self, asked: Sequence[Wanted]) -> Sequence[Claim | LetterStatus | Exception]:
        answers: list[Claim | LetterStatus | Exception | None] = [None] * len(asked)
        with self._connection() as connection:
            while open_ := [place for place, answer in enumerate(answers) if answer is None]:
                # A letter that came twice at once is asked for twice, one after the other: a statement names it once.
                first: dict[UUID, int] = {}
                for place in open_:
                    first.setdefault(asked[place].header.id, place)
                places = list(first.values())
                found = claim_all(
                    connection,
                    [asked[place] for place in places],
                    replica=self._replica,
                    session_lock=self._session_lock.sign,
                    lease=self._lease,
                )
                for place, answer in zip(places, found, strict=True):
                    answers[place] = answer
        return [answer for answer in answers if answer is not None]

    def _begin_all(self, begun: Sequence[tuple[Claim, str]]) -> Sequence[bool | Exception]:
        with self._connection() as connection:
            return begin_all(connection, begun)

    def _settle_all(self, attempts: Sequence[Attempt]) -> Sequence[Settled | Exception | None]:
        with self._connection() as connection:
            return settle_all(connection, attempts, replica=self._replica)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with translated(LedgerUnavailable):
            try:
                with self._engine.connect() as connection:
                    yield connection
            except DBAPIError as error:
                if getattr(error.orig, "pgcode", None) in {_LOCK_NOT_AVAILABLE, _DEADLOCK_DETECTED}:
                    raise LetterLocked(type(error.orig).__name__) from error
                raise


def _concerns_all(error: Exception) -> bool:
    return isinstance(error, LedgerUnavailable) and not isinstance(error, LetterLocked)
