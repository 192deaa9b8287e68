"""A replica's providers without its broker: real servers, a real database, letters handed over one by one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

from sqlalchemy import Engine

from mailer_service.delivery.outcome import Pause
from mailer_service.delivery.transport import OutgoingLetter, Transmission
from mailer_service.metrics import Metrics
from mailer_service.providers.breaker import Breaker, Probing
from mailer_service.providers.domains import Domains
from mailer_service.providers.provider import Provider
from mailer_service.providers.register import ProviderRegister
from mailer_service.providers.slots import Slots
from mailer_service.providers.transport import ProviderTransport
from mailer_service.providers.watch import ProviderWatch
from mailer_service.smtp.server import read_servers
from mailer_service.smtp.transport import SmtpTransport
from mailer_service.store.engine import build_engine
from mailer_service.store.presence import Presence
from mailer_service.suppression.marks import Marker
from support.outgoing import SENDER, outgoing

MARKER = Marker("a key of the tests")


@dataclass(slots=True)
class Tap:
    """Consumption as the watch asks for it: open or shut, and how often it changed."""

    open: bool = True
    turns: int = 0

    def pause(self) -> None:
        self.turns += self.open
        self.open = False

    def resume(self) -> None:
        self.turns += not self.open
        self.open = True


@dataclass(slots=True, kw_only=True)
class WayOut:
    """One replica's."""

    engine: Engine
    presence: Presence
    transport: ProviderTransport
    watch: ProviderWatch
    tap: Tap = field(default_factory=Tap)
    begin: Callable[[str], bool] = field(default=lambda _: True)

    def send(
        self, recipient: str = "an@example.org", *, provider: str | None = None, within: float = 10.0
    ) -> Transmission:
        """Hand one letter over; it must be admitted."""
        sent = self.try_to_send(outgoing(recipient), provider=provider, within=within)
        assert not isinstance(sent, Pause), sent
        return sent

    def try_to_send(
        self, letter: OutgoingLetter, *, provider: str | None = None, within: float = 10.0
    ) -> Transmission | Pause:
        passage = self.transport.admit(letter.header, MARKER.marks_of(letter.recipient))
        if isinstance(passage, Pause):
            return passage
        with passage:
            sent = passage.send(
                letter, deadline=time.monotonic() + within, begin=self.begin, provider=provider
            )
            assert sent is not None, "the ledger said no"
            return sent

    def close(self) -> None:
        self.watch.stop()
        self.transport.close()
        self.presence.leave()
        self.engine.dispose()


def way_out(
    database_url: str, urls: Sequence[str], *, first_seconds: float = 0.2, threads: int = 8
) -> WayOut:
    """Put one together; it looks how providers stand only when told to."""
    engine = build_engine(database_url, application="test", connections=6)
    presence = Presence(engine)
    presence.arrive()
    register = ProviderRegister(engine, probing=Probing(first_seconds=first_seconds, limit_seconds=1.0))
    tap, metrics = Tap(), Metrics()
    providers = [
        Provider(
            server,
            transport=SmtpTransport(server, sender=SENDER, operation_seconds=2.0),
            register=register,
            slots=Slots(server, presence),
            pace=None,
            breaker=Breaker(),
        )
        for server in read_servers(" ".join(urls))
    ]
    watch = ProviderWatch(providers, register=register, consumption=tap, metrics=metrics)
    transport = ProviderTransport(
        providers,
        domains=Domains(threads=threads),
        stopping=Event(),
        sign=lambda: None,
        metrics=metrics,
        changed=lambda: None,
    )
    watch.look()
    watch.look()
    return WayOut(engine=engine, presence=presence, transport=transport, watch=watch, tap=tap)
