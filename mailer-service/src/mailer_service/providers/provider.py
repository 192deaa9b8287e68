"""One provider as one replica uses it: its server, its circuit, its share of the budgets."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from mail_contract.letters import LetterClass
from mailer_service.delivery.attempt import Transmission
from mailer_service.delivery.outcome import Concern, Meaning, Pause, Sent
from mailer_service.errors import LedgerUnavailable
from mailer_service.letters.compose import Message
from mailer_service.providers.circuit import Circuit, OpenCircuit
from mailer_service.providers.connection_quota import ConnectionQuota
from mailer_service.providers.provider_store import ProviderStatus, ProviderStore
from mailer_service.providers.rate_limiter import RateLimiter
from mailer_service.smtp.redaction import redact
from mailer_service.smtp.reply import ConversationFailed, Reply
from mailer_service.smtp.reply_table import meaning_of
from mailer_service.smtp.server import SmtpServer
from mailer_service.smtp.transport import SmtpTransport

log = structlog.get_logger(__name__)

_CLOSING = "421"


class Provider:
    """Hands letters to one server, within what all replicas together may ask of it.

    Attributes:
        name: `host:port`.
        server: which.
        held: whether an operator wants no letters to go there.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        transport: SmtpTransport,
        store: ProviderStore,
        quota: ConnectionQuota,
        rate_limiter: RateLimiter | None,
        circuit: Circuit,
    ) -> None:
        self.name = server.name
        self.server = server
        self._transport = transport
        self._store = store
        self._quota = quota
        self._rate_limiter = rate_limiter
        self._circuit = circuit
        self._slowed_at = 0.0
        self.held = False

    @property
    def takes_letters(self) -> bool:
        """Whether letters may be given to it: neither given up nor held by an operator."""
        return self._circuit.open_circuit is None and not self.held

    @property
    def open_circuit(self) -> OpenCircuit | None:
        """Why it gets no letters; None while it does."""
        return self._circuit.open_circuit

    @property
    def starving(self) -> bool:
        """Whether all its connections are other replicas'."""
        return self._quota.starving

    @property
    def connections(self) -> int:
        """How many this replica has or may open without asking."""
        return len(self._quota)

    @property
    def share(self) -> int:
        """How many connections this replica may count on, whatever the others want."""
        return self._quota.share

    def enter(self, letter_class: LetterClass, *, until: float) -> bool:
        """Waits for a connection and a moment for one letter; False if there is none until then (monotonic).

        Raises:
            LedgerUnavailable: nobody knows.
        """
        if not self._quota.take(until=until):
            return False
        try:
            if self._rate_limiter is None or self._rate_limiter.keep(letter_class, until=until):
                return True
        except BaseException:
            self._quota.give_back()
            raise
        self._quota.give_back()
        return False

    def leave(self) -> None:
        """Ends what `enter` began."""
        self._quota.give_back()

    def send(
        self, message: Message, *, deadline: float, keep: Callable[[], bool] = lambda: True
    ) -> Transmission:
        """Tries once and always answers. Whoever calls has entered.

        Args:
            message: the letter.
            deadline: seconds of `time.monotonic`; the final dot is not sent after it.
            keep: called about once a second while the reply to the final dot is awaited; False ends the waiting.
        """
        transmission = self._transport.send(message, deadline=deadline, keep=keep)
        verdict = transmission.verdict
        if isinstance(verdict, Sent):
            self._circuit.judge(Concern.NONE, "")
            if self._circuit.openings:
                self._reset()
            return transmission
        if transmission.concern is Concern.PROVIDER and (transmission.reply or "").startswith(_CLOSING):
            self._slow_down()
        open_circuit = self._circuit.judge(
            transmission.concern,
            verdict.reason,
            domain=message.recipient.domain,
            reply=transmission.reply,
        )
        if open_circuit is not None:
            self._give_up(open_circuit)
        if transmission.concern is Concern.SET_UP and self._circuit.open_circuit is not None:
            # No longer one domain's word about us: the letter is not to blame and waits until it is mended.
            return replace(transmission, verdict=Pause(reason=verdict.reason))
        return transmission

    def probe(self, *, deadline: float) -> OpenCircuit | None:
        """Connects, secures and logs in, without a letter; returns what is wrong, None if nothing is."""
        try:
            self._transport.greet(deadline=deadline)
        except ConversationFailed as failure:
            meaning = meaning_of(failure.phase, failure.cause)
            return OpenCircuit(
                reason=_reason(meaning),
                account=meaning.concern is Concern.ACCOUNT,
                reply=redact(str(failure.cause), recipient="") if isinstance(failure.cause, Reply) else None,
            )
        return None

    def follow(self, status: ProviderStatus) -> None:
        """Does as all replicas do. Raises LedgerUnavailable."""
        # The width first: a provider that is tried with one letter is not to be rushed at.
        self._quota.limit(width=status.width, wanted=status.wanted)
        self._circuit.follow(status.open_circuit, openings=status.openings, set_up=status.set_up)
        self._transport.trim(keep=0 if status.open_circuit else self._quota.for_idle())
        self._quota.return_spare(idle=lambda: self._transport.idle)
        if (self._quota.starving and not self._quota.fill()) or self._quota.short:
            self._store.want(self.name)

    def close(self) -> None:
        """Closes what is kept open."""
        self._transport.close()

    def _give_up(self, open_circuit: OpenCircuit) -> None:
        with suppress(LedgerUnavailable):  # the next letter that fails tells it
            if self._store.open(self.name, open_circuit):
                log.error(
                    "provider_given_up",
                    provider=self.name,
                    reason=open_circuit.reason,
                    account=open_circuit.account,
                    reply=open_circuit.reply,
                )

    def _reset(self) -> None:
        with suppress(LedgerUnavailable):  # the next letter does
            self._store.reset(self.name)
            self._circuit.openings = 0
            self._circuit.set_up = False

    def _slow_down(self) -> None:
        now = time.monotonic()
        if now - self._slowed_at < 1.0:
            return
        self._slowed_at = now
        with suppress(LedgerUnavailable):  # it will say so again
            if self._store.slow_down(self.server):
                log.warning("provider_asked_for_less", provider=self.name)


def _reason(meaning: Meaning) -> str:
    verdict = meaning.verdict
    return "unknown" if isinstance(verdict, Sent) else verdict.reason
