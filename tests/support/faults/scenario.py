"""One run as its writer sees it: load, fault, heal; `settle` of support.faults.settling then waits and judges."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from ssl import SSLContext
from typing import Self
from uuid import UUID

from sqlalchemy.exc import OperationalError

from dev_inbox.script import Phase, Rule
from dev_inbox.server import Inbox
from mail_contract.letters import LetterClass
from mail_contract.topology import WaitTier, build_topology
from support.broker import VirtualHost
from support.certificates import Authority
from support.eventually import eventually
from support.faults.crowd import Crowd
from support.faults.evidence import Evidence, LedgerEntry
from support.faults.figures import Figures, Versions
from support.faults.gathering import dead_letters, ledger_of_mailer, letters_of_auth, outbox_rows
from support.faults.neighbours import plant_neighbours
from support.faults.post import Post
from support.faults.settling import is_quiet, settle
from support.faults.tokens import OldTokens
from support.infra import Infra
from support.people import addresses, on_the_wire
from support.service_programs import Service
from support.services import Services
from support.short_waits import shorten_delays

SHORT = build_topology(dict(zip(WaitTier, map(timedelta, [0] * 5, (1.0, 1.5, 2.0, 2.5, 3.0)), strict=True)))
"""Waiting rooms of 1 to 3 s instead of 10 s to 2 h: their order stays, the runs become bearable."""
REFUSED = Rule(phase=Phase.RCPT, recipient="*@refused.example", reply="550 5.1.1 No such user")
_BATCH = 1000
_SHORTEST = timedelta(seconds=1)
JOURNEY: tuple[Service, ...] = ("api", "relay", "auth-worker")


@dataclass(kw_only=True)
class Scenario:
    """Everything a run needs, and what it did so far.

    Attributes:
        row, fault: of the matrix.
        seed, quick: of the run.
        versions: what it runs on.
        services: auth-service and mailer-service, each process by itself.
        peer: the mail server at the other end, with TLS and a login.
        certificate: what it proves itself with; `load_cert_chain` changes it.
        authority: who signed it, and whom the mailers trust.
        chance: everything random comes from here.
        api_is_victim: the API's answers are not judged, because it is itself killed or frozen.
        crowds: people who register through the API.
        asked: everybody a letter was asked for, with its id where it went straight into the outbox.
        planted: ids of the two messages that must become dead letters and stall nobody.
        forgotten: letters sent that a restored database knows nothing of.
        forgotten_entries: what the ledger knew of them, where that was restored too.
        tokens: that must stay refused.
        healed_at: when the fault was over, on the clock of `time.monotonic`.
        figures: once the run is settled.
    """

    row: int
    fault: str
    seed: int
    quick: bool
    versions: Versions
    services: Services
    peer: Inbox
    certificate: SSLContext
    authority: Authority
    chance: Random
    post: Post
    api_is_victim: bool = False
    crowds: list[Crowd] = field(default_factory=list)
    asked: dict[str, UUID | None] = field(default_factory=dict)
    planted: set[UUID] = field(default_factory=set)
    forgotten: set[UUID] = field(default_factory=set)
    forgotten_entries: dict[UUID, LedgerEntry] = field(default_factory=dict)
    tokens: OldTokens = field(default_factory=OldTokens)
    healed_at: float | None = None
    figures: Figures | None = None

    @property
    def broker(self) -> VirtualHost:
        return self.services.at.broker

    @property
    def infra(self) -> Infra:
        return self.broker.infra

    @property
    def smtp_url(self) -> str:
        """Where the mailers send."""
        return self.services.env["mailer"]["MAILER_SMTP_URL"]

    def size(self, full: int, quick: int) -> int:
        """How many: in a full run, with QUICK=1."""
        return quick if self.quick else full

    def up(self, *, mailers: int = 1, env: Mapping[Service, Mapping[str, str]] | None = None) -> Self:
        """Start everything, wait until it works, and prepare what is checked afterwards.

        Args:
            mailers: replicas.
            env: variables by service, over the usual ones; they stay for processes started later.
        """
        for service, values in (env or {}).items():
            self.services.env.setdefault(service, {}).update(values)
        self.broker.take_policies_of(SHORT)
        shorten_delays(self.services.at.mailer_database.admin_url, _SHORTEST)
        self.play()
        for service in JOURNEY:
            self.services.start(service)
        self.services.start("mailer", n=mailers)
        self.services.wait_until_ready()
        self.tokens.prepare(self.services.api, self.peer, self.people(2))
        self.planted = plant_neighbours(self.post, self.broker)
        return self

    def play(self, *rules: Rule) -> None:
        """Let the mail server follow these rules; without any it is friendly, but for one domain."""
        self.peer.play(REFUSED, *rules)

    def plays_no_more(self, rule: Rule) -> bool:
        """Whether the mail server has followed a rule as often as it was told to."""
        return self.was_played(rule) == rule.times

    def was_played(self, rule: Rule) -> int:
        """How often the mail server has followed a rule."""
        return dict(self.peer.played())[rule]

    def people(self, count: int) -> list[str]:
        """So many new addresses."""
        return addresses(count, run=str(self.chance.randrange(10**8, 10**9)))

    @contextmanager
    def registering(self, count: int, *, patience: float = 180.0) -> Iterator[Crowd]:
        """That many people register while the block runs; at its end all have a promise."""
        crowd = Crowd(self.services.api, self.people(count), patience=patience)
        self.crowds.append(crowd)
        self.asked.update(dict.fromkeys(crowd.people))
        with crowd:
            yield crowd

    def commit(
        self,
        count: int,
        letter_class: LetterClass = LetterClass.URGENT,
        *,
        lifetime: timedelta = timedelta(hours=1),
        people: Sequence[str] = (),
    ) -> list[UUID]:
        """That many letters, or one to each of `people`, committed straight into the outbox, without the API."""
        people = people or self.people(count)
        letters: list[UUID] = []
        for start in range(0, len(people), _BATCH):
            batch = self.post.commit(people[start : start + _BATCH], letter_class, lifetime=lifetime)
            self.asked.update({recipient: letter for letter, recipient in batch.items()})
            letters += batch
        return letters

    def commit_until_refused(self) -> None:
        """Fill the outbox until its database takes no more."""
        with suppress(OperationalError):
            while True:
                self.commit(50)

    def delivered(self) -> int:
        """Messages the mail server has kept so far of those asked for."""
        wanted = {on_the_wire(person) for person in self.asked}
        return sum(wanted.issuperset(message.recipients) for message in self.peer.messages())

    def wait_for_delivered(self, count: int, *, within: float = 60.0) -> None:
        eventually(lambda: self.delivered() >= count, within=within, every=0.1)

    def wait_until_sent(self, letters: Sequence[UUID], *, within: float = 60.0) -> None:
        """Return once auth-service knows that all of these were sent."""

        def sent() -> bool:
            states = self.auth_letters()
            return all(states[letter] == "sent" for letter in letters)

        eventually(sent, within=within, every=0.2)

    def ledger(self) -> dict[UUID, LedgerEntry]:
        return ledger_of_mailer(self.services.at.mailer_database)

    def auth_letters(self) -> dict[UUID, str]:
        return letters_of_auth(self.services.at.auth_database)

    def outbox_rows(self) -> int:
        return outbox_rows(self.services.at.auth_database)

    def idle(self) -> None:
        """Return once nothing is on its way, the bad neighbours neither."""
        eventually(lambda: is_quiet(self) and len(dead_letters(self.broker)) == len(self.planted), within=60)

    def healed(self) -> None:
        """The fault is over: from now on the time until quiet counts."""
        self.healed_at = time.monotonic()

    def settle(self, *, within: float = 120.0, resting: frozenset[str] = frozenset()) -> Evidence:
        """Wait until quiet, gather the evidence, keep the figures, assert every invariant; see `settling.settle`."""
        evidence, self.figures = settle(self, within=within, resting=resting)
        assert not self.figures.violations, "\n".join((self.figures.line(), *self.figures.violations))
        return evidence
