"""The permit to hand over one letter: a thread of its domain's share, and a connection to one provider at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, assert_never

import structlog

from mail_contract.letters import LetterClass
from mailer_service.db.tables import Scope
from mailer_service.delivery.attempt import Phase, Transmission
from mailer_service.delivery.outcome import Ambiguous, Concern, Dead, OtherProvider, Pause, Sent, TryLater
from mailer_service.letters.compose import Message
from mailer_service.providers.destination_throttle import DestinationThrottle, ThreadShare
from mailer_service.providers.provider import Provider

log = structlog.get_logger(__name__)

_ABOUT_THE_RECIPIENT = frozenset({Phase.RCPT, Phase.DATA, Phase.DOT})


class Permit:
    """What `Route.permit` gives; to be left by `with`.

    Attributes:
        provider: name of the provider whose connection it holds at first.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        chosen: Provider,
        *,
        letter_class: LetterClass,
        throttle: DestinationThrottle,
        share_held: ThreadShare,
        changed: Callable[[], None],
    ) -> None:
        """Takes all providers in order, the one entered, for which letter, and whom to tell of a circuit that opened."""
        self.provider = chosen.name
        self._providers = providers
        self._chosen = chosen
        self._entered: Provider | None = chosen
        self._letter_class = letter_class
        self._throttle = throttle
        self._share = share_held
        self._changed = changed
        self._seconds: float | None = None
        self._refused: Scope | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._leave()
        self._throttle.leave(self._share, seconds=self._seconds, refused=self._refused)

    def candidates(self, *, only: str | None) -> Sequence[Provider]:
        """Returns the providers that may be asked, in order.

        Args:
            only: name of the one provider that may be asked, because an earlier attempt there may have succeeded or must
                be repeated there; None leaves the choice free.
        """
        if only is not None:
            bound = [known for known in self._providers if known.name == only]
            if bound:
                return bound
            # It was taken out of the configuration, so it can never be asked again.
            log.warning("provider_unknown", provider=only)
        return [self._chosen, *(known for known in self._providers if known is not self._chosen)]

    def move_to(self, provider: Provider, *, until: float) -> bool:
        """Exchanges the connection in hand for one to this provider; False if it takes no letters, or none is free.

        Args:
            provider: one of `candidates`.
            until: seconds of `time.monotonic`; waits no longer.

        Raises:
            LedgerUnavailable: what all replicas together may do cannot be asked.
        """
        if not provider.takes_letters:
            return False
        if provider is self._entered:
            return True
        self._leave()
        if time.monotonic() >= until or not provider.enter(self._letter_class, until=until):
            return False
        self._entered = provider
        return True

    def send(
        self, provider: Provider, message: Message, *, deadline: float, keep: Callable[[], bool]
    ) -> Transmission:
        """Hands the letter to the provider whose connection is in hand, and notes what that says of its domain.

        Args:
            provider: the last one that `move_to` said yes to.
            message: the letter.
            deadline: seconds of `time.monotonic`; the final dot is not sent after it. The reply may come later.
            keep: called about once a second while the reply to the final dot is awaited; False ends the waiting.
        """
        was_open = provider.open_circuit
        self._throttle.begin(self._share)
        transmission = provider.send(message, deadline=deadline, keep=keep)
        if provider.open_circuit is not was_open:
            self._changed()
        match transmission.concern:
            case Concern.DOMAIN:
                self._refused = Scope.DOMAIN
            case Concern.RECIPIENT:
                self._refused = Scope.RECIPIENT
            case Concern.NONE | Concern.PROVIDER | Concern.ACCOUNT | Concern.QUOTA | Concern.SET_UP:
                self._refused = None
        self._seconds = (
            transmission.duration_ms / 1000 if transmission.phase in _ABOUT_THE_RECIPIENT else None
        )
        return transmission

    def _leave(self) -> None:
        if self._entered is not None:
            self._entered.leave()
            self._entered = None


def may_ask_another(transmissions: Sequence[Transmission]) -> bool:
    """Whether another provider may be asked: nothing was accepted, for certain, and nothing speaks against it.

    A provider that is away or refuses us is passed over as long as the final dot has not left. A second opinion about the
    letter itself is asked for once.

    Args:
        transmissions: what the providers said that were asked, in order.
    """
    last = transmissions[-1]
    verdict = last.verdict
    match verdict:
        case OtherProvider():
            opinions = [
                one
                for one in transmissions
                if isinstance(one.verdict, OtherProvider) and not _provider_at_fault(one)
            ]
            return _provider_at_fault(last) or len(opinions) <= 1
        case Pause():
            return True
        case TryLater(same_provider=same_provider):
            return _provider_at_fault(last) and not same_provider and last.phase is not Phase.DOT
        case Sent() | Ambiguous() | Dead():
            return False
    assert_never(verdict)


def _provider_at_fault(transmission: Transmission) -> bool:
    return transmission.concern in {Concern.PROVIDER, Concern.ACCOUNT, Concern.QUOTA}
