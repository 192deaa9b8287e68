"""The whole attempt at a letter, from its message to its acknowledgement. Read it downward.

read → open → hash the recipient → get a permit (or defer) → render, compose and sign (or dead) → claim (or recall) → give it
to a provider, to another one where that is certainly safe → plan → record → follow up

Order is what keeps a letter from being lost or doubled: nothing is sent without the ledger's claim; the outcome is in the
ledger before anything is published of it; the acknowledgement comes last. A crash in between repeats something harmless.
"""

from __future__ import annotations

import hashlib
import random
import time
import traceback
from collections.abc import Callable
from uuid import UUID

import structlog

from mail_contract.letters import LETTERS
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import Opener
from mailer_service.db.tables import IN_HAND, LetterState
from mailer_service.deadletters.message import Why
from mailer_service.delivery.attempt import Attempt, Transmission
from mailer_service.delivery.claim import Claim, reason_of
from mailer_service.delivery.lease import LeaseKeeper
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.outcome import (
    Ambiguous,
    Cancelled,
    Dead,
    Discarded,
    Held,
    Outcome,
    Pause,
    Sent,
    TryLater,
    without_another,
)
from mailer_service.delivery.retry import kind_of, plan, tier_of
from mailer_service.delivery.waiter import Waiter
from mailer_service.errors import AddressNotSupported, LedgerUnavailable, Requeued, Unauthentic, UnfitLetter
from mailer_service.incoming import IncomingMessage, opened
from mailer_service.letters.compose import Message, Sender, compose
from mailer_service.letters.renderer import Renderer
from mailer_service.metrics import Metrics
from mailer_service.providers.permit import Permit, may_ask_another
from mailer_service.providers.route import Route
from mailer_service.repeated import Repeated
from mailer_service.suppression.recipient_hashes import RecipientHasher, RecipientHashes
from mailer_service.worker.follow_up import FollowUp

log = structlog.get_logger(__name__)

PROVIDER_AWAY = "provider_away"
_CLAIM_PAUSES = (0.05, 0.2, 0.5, 1.25)
"""Seconds between claims of a letter that seems to be in hand. When a replica is killed, broker and database learn of it by
its closed connections, each in its own time; if the broker is first, its message is here before the claim is free. To send
it to a wait queue then would cost somebody who looks at the screen ten seconds."""
_NOT_THE_END = TryLater | Ambiguous | Pause | Held
_OTHER_PROVIDER_SECONDS = 1.0
"""Less time than that is not enough for another provider."""
_LEDGER_SECONDS = 300.0
"""How long a message is kept in hand while the ledger is away; well below the 30 minutes after which RabbitMQ takes an
unacknowledged message away and closes the channel. Then it waits on the broker instead, a minute at a time."""


class Pipeline:
    """Makes attempts. Any number of threads and replicas may, also at the same letter."""

    def __init__(
        self,
        *,
        opener: Opener,
        hasher: RecipientHasher,
        route: Route,
        renderer: Renderer,
        sender: Sender,
        ledger: Ledger,
        keeper: LeaseKeeper,
        waiter: Waiter,
        follow_up: FollowUp,
        metrics: Metrics,
        attempt_seconds: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._opener = opener
        self._hasher = hasher
        self._route = route
        self._renderer = renderer
        self._sender = sender
        self._ledger = ledger
        self._keeper = keeper
        self._waiter = waiter
        self._follow_up = follow_up
        self._metrics = metrics
        self._attempt_seconds = attempt_seconds
        self._repeated = Repeated()
        self._chance = chance

    def take(self, message: IncomingMessage) -> str:
        """Handles one message and returns the outcome's name, for monitoring.

        Raises:
            Requeued: the message must stay on the broker.
        """
        if self._waiter.stopping:
            raise Requeued
        try:
            envelope = message.envelope()
            contents = opened(envelope, self._opener)
            return self._handle(message, envelope, contents)
        except Unauthentic as error:
            # Not a word of it is believed: nothing is reported of a letter that somebody else may have named.
            log.warning("message_unauthentic", reason=error.reason, task_id=message.id)
            self._follow_up.dead_letter(message, Why(reason=error.reason))
        except Requeued:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the message must not be lost with it
            _log_broken("message_broke_the_mailer", error, task_id=message.id)
            self._follow_up.dead_letter(message, Why(reason="internal_error"))
        return Dead.name

    def _handle(self, message: IncomingMessage, envelope: Envelope, contents: Contents) -> str:
        while True:
            try:
                made = self._attempt(envelope, contents)
                break
            except LedgerUnavailable as error:
                log.warning("ledger_unavailable", letter_id=str(envelope.header.id), error=str(error))
                if self._waiter.until_ledger_answers(seconds=_LEDGER_SECONDS):
                    continue
                if self._waiter.stopping:
                    raise Requeued from error
                made = Pause(reason="no_ledger")
                break
        if isinstance(made, Pause):
            tier = tier_of(made.after)
            unsaid = self._repeated.unsaid(("letter_put_off", made.reason))
            if unsaid is not None:
                letter_id = str(envelope.header.id)
                log.info("letter_put_off", letter_id=letter_id, reason=made.reason, wait=tier, others=unsaid)
            hashes = self._hashes_of(contents.recipient)
            self._follow_up.wait(envelope, tier, Why(reason=made.reason, hashes=hashes))
            return "put_off"
        self._follow_up.on(made, message, envelope)
        if LETTERS[envelope.header.letter].farewell and not isinstance(made.outcome, _NOT_THE_END):
            self._forget(contents.recipient)
        return made.outcome.name

    def _attempt(self, envelope: Envelope, contents: Contents) -> Attempt | Pause:
        """Makes one attempt, unless the ledger knows the letter's end already.

        Returns:
            What became of it; or that the letter should wait, where no provider may be asked now. Then nothing was
            written.

        Raises:
            LedgerUnavailable: nothing was sent, or the replica is being stopped.
        """
        hashes = self._hashes_of(contents.recipient)
        # Decoys too, or what is reported of them would tell them from letters.
        held = self._route.held(envelope.header.letter_class, hashes)
        if held is not None:
            return held
        if contents.decoy:
            attempt = self._claim(envelope, hashes, provider=None)
            self._record(attempt, Discarded(), since=time.monotonic())
            return attempt
        permit = self._route.permit(envelope.header.letter_class, hashes)
        if isinstance(permit, Pause):
            return permit
        with permit:
            # Before the claim: once a server may have the letter, nothing may take time.
            letter = self._compose(envelope.header, contents)
            sendable = isinstance(letter, Message)
            attempt = self._claim(envelope, hashes, provider=permit.provider if sendable else None)
            since = time.monotonic()
            outcome = self._send(attempt, letter, permit)
            self._record(attempt, outcome, since=since)
        return attempt

    def _forget(self, recipient: str) -> None:
        """After an account's last letter: no later one of it asks whether this mailbox refuses letters."""
        hashes = self._hashes_of(recipient)
        if hashes is not None:
            try:
                self._waiter.until_done(lambda: self._ledger.forget(hashes))
            except LedgerUnavailable as error:
                raise Requeued from error

    def _hashes_of(self, recipient: str) -> RecipientHashes | None:
        try:
            return self._hasher.hashes_of(recipient)
        except AddressNotSupported:
            return None  # which composing will find out, too

    def _compose(self, header: EnvelopeHeader, contents: Contents) -> Message | Dead:
        try:
            rendering = self._renderer.render(header, contents.context)
            return compose(header, rendering, recipient=contents.recipient, sender=self._sender)
        except UnfitLetter as error:
            log.warning("letter_unfit", letter_id=str(header.id), reason=error.reason)
            return Dead(reason=error.reason)
        except Exception as error:  # noqa: BLE001 - a letter that cannot be written is dead: trying again repeats it
            _log_broken("letter_broke_the_mailer", error, letter_id=str(header.id))
            return Dead(reason="internal_error")

    def _claim(self, envelope: Envelope, hashes: RecipientHashes | None, *, provider: str | None) -> Attempt:
        """Claims the letter; where that is refused, the attempt has no claim and says what is known of the letter.

        Args:
            envelope: the letter's.
            hashes: keyed hashes of its recipient.
            provider: whom it will be given to at once; None if it will not be sent.
        """
        digest = hashlib.sha256(envelope.signature.encode()).digest()
        for pause in (*_CLAIM_PAUSES, None):
            # Before the claim, so that it ends before the lease however long the database takes to answer.
            deadline = time.monotonic() + self._attempt_seconds
            found = self._ledger.claim(envelope.header, digest=digest, hashes=hashes, provider=provider)
            if isinstance(found, Claim):
                return Attempt.claimed(envelope.header, hashes, found, deadline=deadline)
            status = found
            if status.state not in IN_HAND or pause is None or not self._waiter.pause(pause):
                break
        return Attempt.recalled(envelope.header, hashes, status)

    def _send(self, attempt: Attempt, message: Message | Dead, permit: Permit) -> Outcome:
        """Gives the letter to a provider, and to others as long as it is certain that none has taken it."""
        claim = attempt.claim
        if claim is None:
            return attempt.outcome
        if isinstance(message, Dead):
            return self._plan(claim, message)
        begun_with = claim.begun_with
        for provider in permit.candidates(only=claim.provider):
            spare = 0.0 if claim.provider else _OTHER_PROVIDER_SECONDS
            if not permit.move_to(provider, until=attempt.deadline - spare):
                continue
            if begun_with != provider.name and not self._begin(claim, provider.name):
                if not attempt.transmissions:
                    return Held()
                break
            begun_with = None
            try:
                said = permit.send(
                    provider, message, deadline=attempt.deadline, keep=self._keeper.keep(claim).go_on
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, the message must not be lost with it
                _log_broken("letter_broke_the_mailer", error, letter_id=str(claim.letter_id))
                return self._plan(claim, Dead(reason="internal_error"))
            attempt.transmissions.append(said)
            self._raise_alarm(claim.letter_id, said)
            if not may_ask_another(attempt.transmissions):
                break
            if time.monotonic() > attempt.deadline - spare:
                self._extend(attempt, claim)
        if not attempt.transmissions:
            return self._plan(claim, Pause(reason=PROVIDER_AWAY))
        return self._plan(claim, without_another(attempt.transmissions[-1].verdict))

    def _begin(self, claim: Claim, provider: str) -> bool:
        return self._waiter.until_done(lambda: self._ledger.begin_transmission(claim, provider=provider))

    def _extend(self, attempt: Attempt, claim: Claim) -> None:
        """Gives the next provider time, where the one before took all there was."""
        deadline = time.monotonic() + self._attempt_seconds
        if not self._waiter.stopping and self._keeper.renew(claim):
            attempt.deadline = deadline

    def _raise_alarm(self, letter_id: UUID, said: Transmission) -> None:
        """Says, a few times a minute, what time alone does not mend: our account, our certificate, our own letters."""
        if said.alarm:
            self._metrics.alarmed(said.concern)
            reason = None if isinstance(said.verdict, Sent) else said.verdict.reason
            unsaid = self._repeated.unsaid(("delivery_alarm", said.provider, said.phase, said.reply))
            if unsaid is None:
                return
            log.error(
                "delivery_alarm",
                letter_id=str(letter_id),
                provider=said.provider,
                phase=said.phase,
                outcome=said.verdict.name,
                reason=reason,
                concern=said.concern,
                reply=said.reply,
                others=unsaid,
            )

    def _plan(self, claim: Claim, verdict: Sent | TryLater | Ambiguous | Dead | Pause) -> Outcome:
        return plan(
            verdict,
            attempt=claim.attempt,
            refusals=claim.refusals.get(kind_of(verdict) or "", 0) + 1,
            ambiguities=claim.ambiguities + isinstance(verdict, Ambiguous),
            remaining=claim.remaining,
            chance=self._chance(),
        )

    def _record(self, attempt: Attempt, outcome: Outcome, *, since: float) -> None:
        """Writes the outcome into the ledger, for as long as it takes; what somebody else decided meanwhile wins."""
        claim = attempt.claim
        if claim is None:
            return
        attempt.outcome = outcome
        attempt.duration_ms = round((time.monotonic() - since) * 1000)
        attempt.number -= not attempt.counts
        attempt.reply = attempt.last.reply if attempt.last else None
        suppression, reason = attempt.suppression, reason_of(outcome)
        settled = self._waiter.until_done(lambda: self._ledger.settle(attempt), to_the_end=True)
        if settled is None:
            log.warning("claim_lost", letter_id=str(claim.letter_id), outcome=outcome.name)
            attempt.outcome = Held()
        elif settled.state is LetterState.CANCELLED:
            attempt.outcome = Cancelled()
        if settled is not None and suppression is not None:
            self._metrics.suppressing(suppression.scope)
        attempt.decided_at = settled.at if settled else claim.claimed_at
        log.info(
            "letter_attempted",
            letter_id=str(claim.letter_id),
            attempt=claim.attempt,
            outcome=attempt.outcome.name,
            reason=reason,
            phase=attempt.last.phase if attempt.last else None,
            provider=attempt.last.provider if attempt.last else None,
            duration_ms=attempt.duration_ms,
        )
        self._metrics.attempted(
            attempt.header.letter_class,
            attempt.outcome,
            seconds=time.monotonic() - since,
            since_creation=attempt.decided_at - attempt.header.created_at,
        )


def _log_broken(event: str, error: Exception, **about: str) -> None:
    """Without the error's own words, which may quote the letter."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error(event, error=type(error).__name__, where=where, **about)
