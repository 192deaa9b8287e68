"""A letter's way out: the right to one conversation, and to another one elsewhere where that is certainly safe."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self, assert_never

import structlog

from mailer_service.delivery.outcome import (
    Ambiguous,
    Concern,
    Dead,
    OtherProvider,
    Pause,
    Scope,
    Sent,
    TryLater,
    Verdict,
)
from mailer_service.delivery.transport import OutgoingLetter, Phase, Transmission
from mailer_service.providers.domains import Domains, Stay
from mailer_service.providers.provider import Provider

log = structlog.get_logger(__name__)

PROVIDER_AWAY = "provider_away"
Begin = Callable[[str], bool]
"""Told whom a letter is about to be given to; whether it may be."""
_HAND_OVER_SECONDS = 1.0
"""Less than that is not enough for another provider."""
_ABOUT_THE_RECIPIENT = frozenset({Phase.RCPT, Phase.DATA, Phase.DOT})


def may_go_elsewhere(transmission: Transmission) -> bool:
    """Whether another provider may be asked: nothing was accepted, for certain, and nothing speaks against it.

    A provider that is away or refuses us may be passed over as long as the final dot has not left.
    """
    verdict = transmission.verdict
    match verdict:
        case OtherProvider() | Pause():
            return True
        case TryLater(same_provider=same_provider):
            return _at_fault(transmission) and not same_provider and transmission.phase is not Phase.DOT
        case Sent() | Ambiguous() | Dead():
            return False
        case _:
            assert_never(verdict)


def _at_fault(transmission: Transmission) -> bool:
    return transmission.concern in {Concern.PROVIDER, Concern.ACCOUNT, Concern.QUOTA}


def without_another(verdict: Verdict) -> Verdict:
    """Returns what a verdict means when nobody else can be asked."""
    return verdict.otherwise if isinstance(verdict, OtherProvider) else verdict


class Passage:
    """What `ProviderTransport.admit` gives; to be left by `with`."""

    def __init__(
        self,
        providers: Sequence[Provider],
        chosen: Provider,
        *,
        domains: Domains,
        stay: Stay,
        changed: Callable[[], None],
    ) -> None:
        """Takes all providers in order, the one entered, the letter's thread, and whom to tell of a breaker that opened."""
        self.provider = chosen.name
        self._providers = providers
        self._entered: Provider | None = chosen
        self._domains = domains
        self._stay = stay
        self._changed = changed
        self._seconds: float | None = None
        self._refused: Scope | None = None
        self._keep: Callable[[], bool] = lambda: True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._leave()
        self._domains.leave(self._stay, seconds=self._seconds, refused=self._refused)

    def send(
        self,
        letter: OutgoingLetter,
        *,
        deadline: float,
        begin: Begin,
        keep: Callable[[], bool] = lambda: True,
        provider: str | None = None,
    ) -> Transmission | None:
        """As `delivery.transport.Passage` asks; raises UnfitLetter."""
        self._keep = keep
        only = next((known for known in self._providers if known.name == provider), None)
        if provider is not None and only is None:
            # It was taken out of the configuration, so it can never be asked again.
            log.warning("provider_unknown", provider=provider, letter_id=str(letter.header.id))
        if only is not None:
            return self._ask_only(only, letter, deadline, begin)
        return self._ask_in_order(letter, deadline, begin)

    def _ask_only(
        self, provider: Provider, letter: OutgoingLetter, deadline: float, begin: Begin
    ) -> Transmission | None:
        if provider.opening is not None or not self._change_to(provider, letter, until=deadline):
            return nobody(PROVIDER_AWAY)
        if not begin(provider.name):
            return None
        transmission = self._ask(provider, letter, deadline)
        return replace(transmission, verdict=without_another(transmission.verdict))

    def _ask_in_order(self, letter: OutgoingLetter, deadline: float, begin: Begin) -> Transmission | None:
        earlier: list[Transmission] = []
        opinions = 0
        candidates = [self._entered, *self._providers] if self._entered is not None else [*self._providers]
        asked: set[str] = set()
        for provider in candidates:
            assert provider is not None  # noqa: S101 - for the type checker
            if provider.name in asked or provider.opening is not None:
                continue
            asked.add(provider.name)
            if not self._change_to(provider, letter, until=deadline - _HAND_OVER_SECONDS):
                continue
            if not begin(provider.name):
                return _with(earlier.pop(), earlier) if earlier else None
            transmission = self._ask(provider, letter, deadline)
            opinions += isinstance(transmission.verdict, OtherProvider) and not _at_fault(transmission)
            # A second opinion about the letter itself is asked for once; providers that are away are passed over.
            if not may_go_elsewhere(transmission) or opinions > 1:
                return _with(transmission, earlier)
            earlier.append(transmission)
        return _with(earlier.pop(), earlier) if earlier else nobody(PROVIDER_AWAY)

    def _ask(self, provider: Provider, letter: OutgoingLetter, deadline: float) -> Transmission:
        was_open = provider.opening
        self._domains.begin(self._stay)
        transmission = provider.send(letter, deadline=deadline, keep=self._keep)
        if provider.opening is not was_open:
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

    def _change_to(self, provider: Provider, letter: OutgoingLetter, *, until: float) -> bool:
        if provider is self._entered:
            return True
        self._leave()
        if time.monotonic() >= until or not provider.enter(letter.header.letter_class, until=until):
            return False
        self._entered = provider
        return True

    def _leave(self) -> None:
        if self._entered is not None:
            self._entered.leave()
            self._entered = None


def nobody(reason: str) -> Transmission:
    """A letter that no server was asked to take."""
    return Transmission(verdict=Pause(reason=reason), phase=None, reply=None, provider="")


def _with(transmission: Transmission, earlier: Sequence[Transmission]) -> Transmission:
    return replace(transmission, verdict=without_another(transmission.verdict), earlier=tuple(earlier))
