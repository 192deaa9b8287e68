"""One attempt at one letter: open, claim, render, hand over, record."""

from __future__ import annotations

import hashlib
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import structlog

from mail_contract.errors import BadSignature, BrokenSeal, SealError, UnknownKey
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import Opener
from mailer_service.delivery.claim import Claim, Standing
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.outcome import (
    Ambiguous,
    Cancelled,
    Dead,
    Discarded,
    Expired,
    Held,
    Outcome,
    Sent,
)
from mailer_service.delivery.patience import Patience
from mailer_service.delivery.retry import plan
from mailer_service.delivery.settlement import Settlement, reason_of, state_after
from mailer_service.delivery.transport import OutgoingLetter, Transmission, Transport
from mailer_service.errors import LedgerUnavailable, Unauthentic, UnfitLetter
from mailer_service.render.renderer import Renderer
from mailer_service.store.tables import LetterState

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a letter, by the ledger.

    Attributes:
        outcome: what to do with its message now.
        attempt: how many attempts there were.
        reply: the server's last words, redacted.
        first_seen: when the letter first arrived.
        at: when this was decided, by the database.
    """

    outcome: Outcome
    attempt: int
    reply: str | None
    first_seen: datetime
    at: datetime


class Deliverer:
    """Makes attempts. Any number of threads and replicas may, also at the same letter."""

    def __init__(
        self,
        *,
        opener: Opener,
        ledger: Ledger,
        renderer: Renderer,
        transport: Transport,
        patience: Patience,
        attempt_seconds: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._opener = opener
        self._ledger = ledger
        self._renderer = renderer
        self._transport = transport
        self._patience = patience
        self._attempt_seconds = attempt_seconds
        self._chance = chance

    def deliver(self, envelope: Envelope) -> Delivery:
        """Makes one attempt, unless the ledger knows the letter's end already.

        Raises:
            Unauthentic: auth-service did not make this envelope; nothing was written.
            LedgerUnavailable: nothing was sent, or the replica is being stopped.
        """
        # Before the claim, so that it ends before the lease however long the database takes to answer.
        deadline = time.monotonic() + self._attempt_seconds
        contents = self._open(envelope)
        digest = hashlib.sha256(envelope.signature.encode()).digest()
        claim = self._ledger.claim(envelope.header, digest=digest)
        match claim:
            case Standing():
                return _already(claim)
            case Claim():
                return self._attempt(claim, envelope.header, contents, deadline=deadline)
        assert_never(claim)

    def _open(self, envelope: Envelope) -> Contents:
        try:
            return self._opener.open(envelope)
        except UnknownKey:
            raise Unauthentic("unknown_key") from None
        except BadSignature:
            raise Unauthentic("bad_signature") from None
        except (BrokenSeal, SealError):
            raise Unauthentic("broken_seal") from None

    def _attempt(
        self, claim: Claim, header: EnvelopeHeader, contents: Contents, *, deadline: float
    ) -> Delivery:
        started = time.monotonic()
        transmission: Transmission | None = None
        outcome: Outcome
        if contents.decoy:
            outcome = Discarded()
        else:
            try:
                transmission = self._hand_over(claim, header, contents, deadline=deadline)
                outcome = Held() if transmission is None else self._plan(claim, transmission)
            except UnfitLetter as error:
                log.warning("letter_unfit", letter_id=str(header.id), reason=error.reason)
                outcome = Dead(reason=error.reason)
            except LedgerUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, trying again would only repeat it
                # Without the error's own words, which may quote the letter.
                where = "".join(traceback.format_tb(error.__traceback__))
                log.error(  # noqa: TRY400 - see above
                    "letter_broke_the_mailer",
                    letter_id=str(header.id),
                    error=type(error).__name__,
                    where=where,
                )
                outcome = Dead(reason="internal_error")
        settlement = Settlement(
            state=state_after(outcome),
            outcome=outcome.name,
            reason=reason_of(outcome),
            ambiguous=transmission is not None and isinstance(transmission.verdict, Ambiguous),
            phase=transmission.phase if transmission else None,
            reply=transmission.reply if transmission else None,
            provider=transmission.provider if transmission else None,
            duration_ms=round((time.monotonic() - started) * 1000),
        )
        return self._settle(claim, settlement, outcome)

    def _hand_over(
        self, claim: Claim, header: EnvelopeHeader, contents: Contents, *, deadline: float
    ) -> Transmission | None:
        rendering = self._renderer.render(header, contents.context)
        letter = OutgoingLetter(header=header, recipient=contents.recipient, rendering=rendering)
        if not self._patience.insist(lambda: self._ledger.begin_transmission(claim)):
            return None
        return self._transport.send(letter, deadline=deadline)

    def _plan(self, claim: Claim, transmission: Transmission) -> Outcome:
        verdict = transmission.verdict
        return plan(
            verdict,
            attempt=claim.attempt,
            ambiguities=claim.ambiguities + isinstance(verdict, Ambiguous),
            remaining=claim.remaining,
            chance=self._chance(),
        )

    def _settle(self, claim: Claim, settlement: Settlement, outcome: Outcome) -> Delivery:
        settled = self._patience.insist(lambda: self._ledger.settle(claim, settlement))
        if settled is None:
            log.warning("claim_lost", letter_id=str(claim.letter_id), outcome=settlement.outcome)
            outcome = Held()
        elif settled.state is LetterState.CANCELLED:
            outcome = Cancelled()
        log.info(
            "letter_attempted",
            letter_id=str(claim.letter_id),
            attempt=claim.attempt,
            outcome=outcome.name,
            reason=settlement.reason,
            phase=settlement.phase,
            duration_ms=settlement.duration_ms,
        )
        return Delivery(
            outcome=outcome,
            attempt=claim.attempt,
            reply=settlement.reply,
            first_seen=claim.first_seen,
            at=settled.at if settled else claim.claimed_at,
        )


def _already(standing: Standing) -> Delivery:
    return Delivery(
        outcome=_outcome_of(standing),
        attempt=standing.attempts,
        reply=standing.reply,
        first_seen=standing.first_seen,
        at=standing.at,
    )


def _outcome_of(standing: Standing) -> Outcome:
    state = standing.state
    match state:
        case LetterState.ACCEPTED:
            return Sent()
        case LetterState.DISCARDED:
            return Discarded()
        case LetterState.DEAD:
            return Dead(reason=standing.reason or "unknown")
        case LetterState.EXPIRED:
            return Expired()
        case LetterState.CANCELLED:
            return Cancelled()
        case LetterState.CLAIMED | LetterState.TRANSMITTING | LetterState.WAITING:
            return Held()
    assert_never(state)
