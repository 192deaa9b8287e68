"""A replica's providers without its broker: real servers, a real database, letters handed over one by one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, cast

from sqlalchemy import Engine

from mailer_service.db.session_lock import SessionLock
from mailer_service.delivery.attempt import Attempt, Transmission
from mailer_service.delivery.claim import Claim
from mailer_service.delivery.lease import LeaseKeeper
from mailer_service.delivery.outcome import Concern, Held, Pause, Verdict, without_another
from mailer_service.delivery.waiter import StopSignal, Waiter
from mailer_service.metrics import Metrics
from mailer_service.providers.circuit import Circuit, ProbeBackoff
from mailer_service.providers.connection_quota import ConnectionQuota
from mailer_service.providers.destination_throttle import DestinationThrottle
from mailer_service.providers.holds import Holds, HoldStore
from mailer_service.providers.provider import Provider
from mailer_service.providers.provider_monitor import ProviderMonitor
from mailer_service.providers.provider_store import ProviderStore
from mailer_service.providers.route import Route
from mailer_service.smtp.server import read_servers
from mailer_service.smtp.transport import SmtpTransport
from mailer_service.suppression.recipient_hashes import RecipientHasher
from mailer_service.worker.pipeline import Pipeline
from service_runtime.database.engine import build_engine
from support.outgoing import SENDER, OutgoingLetter, composed, outgoing

MARKER = RecipientHasher("a key of the tests")


@dataclass(slots=True)
class Tap:
    """Consumption as the monitor asks for it: open or shut, and how often it changed."""

    open: bool = True
    turns: int = 0

    def pause(self) -> None:
        self.turns += self.open
        self.open = False

    def resume(self) -> None:
        self.turns += not self.open
        self.open = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the providers said in the end, and those asked before."""

    verdict: Verdict
    provider: str
    concern: Concern
    earlier: list[Transmission]


class Agreeing:
    """The ledger, as far as a letter in hand needs it."""

    def __init__(self, begin: Callable[[str], bool]) -> None:
        self._begin = begin

    def begin_transmission(self, _claim: Claim, *, provider: str) -> bool:
        return self._begin(provider)

    def extend(self, _claim: Claim) -> bool:
        return True


@dataclass(slots=True, kw_only=True)
class WayOut:
    """One replica's."""

    engine: Engine
    session_lock: SessionLock
    route: Route
    monitor: ProviderMonitor
    tap: Tap = field(default_factory=Tap)
    begin: Callable[[str], bool] = field(default=lambda _: True)

    def send(
        self, recipient: str = "an@example.org", *, provider: str | None = None, within: float = 10.0
    ) -> Answer:
        """Hand one letter over; it must be admitted."""
        sent = self.try_to_send(outgoing(recipient), provider=provider, within=within)
        assert not isinstance(sent, Pause), sent
        return sent

    def try_to_send(
        self, letter: OutgoingLetter, *, provider: str | None = None, within: float = 10.0
    ) -> Answer | Pause:
        hashes = MARKER.hashes_of(letter.recipient)
        permit = self.route.permit(letter.header.letter_class, hashes)
        if isinstance(permit, Pause):
            return permit
        now = datetime.now(UTC)
        claim = Claim(
            letter_id=letter.header.id,
            fence=1,
            attempt=1,
            ambiguities=0,
            first_seen=now,
            claimed_at=now,
            remaining=timedelta(hours=1),
            provider=provider,
        )
        attempt = Attempt.claimed(letter.header, hashes, claim, deadline=time.monotonic() + within)
        with permit:
            outcome = self._pipeline(within)._send(attempt, composed(letter), permit)
        assert not isinstance(outcome, Held), "the ledger said no"
        if not attempt.transmissions:
            assert isinstance(outcome, Pause), outcome
            return Answer(verdict=outcome, provider="", concern=Concern.NONE, earlier=[])
        *earlier, last = attempt.transmissions
        return Answer(
            verdict=without_another(last.verdict),
            provider=last.provider,
            concern=last.concern,
            earlier=earlier,
        )

    def _pipeline(self, seconds: float) -> Pipeline:
        """With what a letter needs that was claimed already."""
        ledger, stop, unused = Agreeing(self.begin), StopSignal(), cast("Any", None)
        return Pipeline(
            opener=unused,
            hasher=unused,
            route=self.route,
            renderer=unused,
            sender=SENDER,
            ledger=cast("Any", ledger),
            keeper=LeaseKeeper(ledger, lease_seconds=seconds, stop=stop, stop_seconds=1.0),
            waiter=Waiter(stop=stop, ledger_answers=lambda: True),
            follow_up=unused,
            metrics=Metrics(),
            attempt_seconds=seconds,
        )

    def close(self) -> None:
        self.monitor.stop()
        self.route.close()
        self.session_lock.leave()
        self.engine.dispose()


def way_out(
    database_url: str,
    urls: Sequence[str],
    *,
    first_seconds: float = 0.2,
    threads: int = 8,
    dot_seconds: float | None = None,
) -> WayOut:
    """Put one together; it looks how providers stand only when told to."""
    engine = build_engine(database_url, application="test", connections=6, autocommit=True)
    session_lock = SessionLock(engine)
    session_lock.arrive()
    store = ProviderStore(engine, probe_backoff=ProbeBackoff(first_seconds=first_seconds, limit_seconds=1.0))
    tap, metrics = Tap(), Metrics()
    holds = Holds(HoldStore(engine))
    providers = [
        Provider(
            server,
            transport=SmtpTransport(
                server, hello_name=SENDER.mailbox.domain, operation_seconds=2.0, dot_seconds=dot_seconds
            ),
            store=store,
            quota=ConnectionQuota(server, session_lock),
            rate_limiter=None,
            circuit=Circuit(),
        )
        for server in read_servers(" ".join(urls))
    ]
    monitor = ProviderMonitor(providers, store=store, holds=holds, consumption=tap, metrics=metrics)
    route = Route(
        providers,
        throttle=DestinationThrottle(threads=threads),
        holds=holds,
        stopping=Event(),
        sign=lambda: None,
        metrics=metrics,
        changed=lambda: None,
    )
    monitor.look()
    monitor.look()
    return WayOut(engine=engine, session_lock=session_lock, route=route, monitor=monitor, tap=tap)
