"""One attempt at one letter: open, render, claim, hand over, record."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from typing import assert_never

import structlog

from mail_contract.errors import BadSignature, BrokenSeal, SealError, UnknownKey
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import Opener
from mailer_service.delivery.alarm import raise_alarm
from mailer_service.delivery.breakage import unless_broken
from mailer_service.delivery.claim import Claim, Standing
from mailer_service.delivery.keeping import LeaseKeeper
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.outcome import (
    Ambiguous,
    Cancelled,
    Dead,
    Discarded,
    Held,
    Outcome,
    Pause,
)
from mailer_service.delivery.patience import Patience
from mailer_service.delivery.record import Delivery, recalled
from mailer_service.delivery.retry import plan
from mailer_service.delivery.second_look import claim_or_look_again
from mailer_service.delivery.settlement import Settlement, kind_of, settlement_of
from mailer_service.delivery.transport import OutgoingLetter, Passage, Transmission, Transport
from mailer_service.errors import AddressNotSupported, Unauthentic
from mailer_service.metrics import Metrics
from mailer_service.render.renderer import Renderer
from mailer_service.store.tables import LetterState
from mailer_service.suppression.marks import Marker, Marks

log = structlog.get_logger(__name__)


class Deliverer:
    """Makes attempts. Any number of threads and replicas may, also at the same letter."""

    def __init__(
        self,
        *,
        opener: Opener,
        marker: Marker,
        ledger: Ledger,
        renderer: Renderer,
        transport: Transport,
        patience: Patience,
        metrics: Metrics,
        attempt_seconds: float,
        keeper: LeaseKeeper,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._opener = opener
        self._marker = marker
        self._ledger = ledger
        self._renderer = renderer
        self._transport = transport
        self._patience = patience
        self._metrics = metrics
        self._attempt_seconds = attempt_seconds
        self._keeper = keeper
        self._chance = chance

    def deliver(self, envelope: Envelope) -> Delivery | Pause:
        """Makes one attempt, unless the ledger knows the letter's end already.

        Returns:
            What became of it; or that it should wait, where there is no way out for it now. Then nothing was written.

        Raises:
            Unauthentic: auth-service did not make this envelope; nothing was written.
            LedgerUnavailable: nothing was sent, or the replica is being stopped.
            GivenBack: the replica is being stopped; nothing was written.
        """
        contents = self._open(envelope)
        marks = self._marks_of(contents)
        if contents.decoy:
            return self._take_in_hand(envelope, Discarded(), marks, None)
        passage = self._transport.admit(envelope.header, marks)
        if isinstance(passage, Pause):
            return passage
        with passage:
            # Before the claim: once the letter may be with a server, it should be there without delay.
            letter = unless_broken(envelope.header.id, lambda: self._write(envelope.header, contents))
            return self._take_in_hand(envelope, letter, marks, passage)

    def _take_in_hand(
        self,
        envelope: Envelope,
        letter: OutgoingLetter | Dead | Discarded,
        marks: Marks | None,
        passage: Passage | None,
    ) -> Delivery:
        digest = hashlib.sha256(envelope.signature.encode()).digest()
        provider = passage.provider if passage and isinstance(letter, OutgoingLetter) else None
        deadline = 0.0

        def take() -> Claim | Standing:
            nonlocal deadline
            # Before the claim, so that it ends before the lease however long the database takes to answer.
            deadline = time.monotonic() + self._attempt_seconds
            return self._ledger.claim(envelope.header, digest=digest, marks=marks, provider=provider)

        claim = claim_or_look_again(take, patience=self._patience)
        match claim:
            case Standing():
                return recalled(claim)
            case Claim():
                return self._attempt(claim, envelope.header, letter, marks, passage, deadline=deadline)
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

    def _marks_of(self, contents: Contents) -> Marks | None:
        try:
            return self._marker.marks_of(contents.recipient)
        except AddressNotSupported:
            return None  # which the attempt will find out, too

    def _write(self, header: EnvelopeHeader, contents: Contents) -> OutgoingLetter:
        rendering = self._renderer.render(header, contents.context)
        return OutgoingLetter(header=header, recipient=contents.recipient, rendering=rendering)

    def _attempt(
        self,
        claim: Claim,
        header: EnvelopeHeader,
        letter: OutgoingLetter | Dead | Discarded,
        marks: Marks | None,
        passage: Passage | None,
        *,
        deadline: float,
    ) -> Delivery:
        started = time.monotonic()
        transmission: Transmission | None = None
        outcome: Outcome
        if passage is None or not isinstance(letter, OutgoingLetter):
            outcome = letter if isinstance(letter, Dead) else Discarded()
        else:
            handed = unless_broken(
                header.id, lambda: self._hand_over(claim, letter, passage, deadline=deadline)
            )
            match handed:
                case Transmission():
                    transmission, outcome = handed, self._plan(claim, handed)
                case None:
                    outcome = Held()
                case Dead():
                    outcome = handed
        duration_ms = round((time.monotonic() - started) * 1000)
        settlement = settlement_of(claim, outcome, transmission, duration_ms=duration_ms, marks=marks)
        delivery = self._settle(claim, settlement, outcome)
        self._metrics.attempted(
            header.letter_class,
            delivery.outcome,
            seconds=time.monotonic() - started,
            since_creation=delivery.at - header.created_at,
        )
        return delivery

    def _hand_over(
        self, claim: Claim, letter: OutgoingLetter, passage: Passage, *, deadline: float
    ) -> Transmission | None:
        begun_with = claim.begun_with

        def begin(provider: str) -> bool:
            nonlocal begun_with
            begun, begun_with = begun_with == provider, None
            return begun or self._patience.insist(
                lambda: self._ledger.begin_transmission(claim, provider=provider)
            )

        transmission = passage.send(
            letter, deadline=deadline, begin=begin, keep=self._keeper.keep(claim), provider=claim.provider
        )
        if transmission is None:
            return None
        for one in (*transmission.earlier, transmission):
            if one.alarm:
                raise_alarm(letter.header.id, one)
                self._metrics.alarmed(one.concern)
        return transmission

    def _plan(self, claim: Claim, transmission: Transmission) -> Outcome:
        verdict = transmission.verdict
        return plan(
            verdict,
            attempt=claim.attempt,
            refusals=claim.refusals.get(kind_of(verdict) or "", 0) + 1,
            ambiguities=claim.ambiguities + isinstance(verdict, Ambiguous),
            remaining=claim.remaining,
            chance=self._chance(),
        )

    def _settle(self, claim: Claim, settlement: Settlement, outcome: Outcome) -> Delivery:
        settled = self._patience.insist(lambda: self._ledger.settle(claim, settlement), to_the_end=True)
        if settled is None:
            log.warning("claim_lost", letter_id=str(claim.letter_id), outcome=settlement.outcome)
            outcome = Held()
        elif settled.state is LetterState.CANCELLED:
            outcome = Cancelled()
        if settled is not None and settlement.suppression is not None:
            self._metrics.suppressing(settlement.suppression.scope)
        log.info(
            "letter_attempted",
            letter_id=str(claim.letter_id),
            attempt=claim.attempt,
            outcome=outcome.name,
            reason=settlement.reason,
            phase=settlement.phase,
            provider=settlement.provider,
            duration_ms=settlement.duration_ms,
        )
        return Delivery(
            outcome=outcome,
            attempt=claim.attempt if settlement.counts else claim.attempt - 1,
            reply=settlement.reply,
            first_seen=claim.first_seen,
            at=settled.at if settled else claim.claimed_at,
        )
