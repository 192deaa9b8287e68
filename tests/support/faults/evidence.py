"""What a run left behind, as data: the mailbox, both databases, every queue, every answer of the API."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A letter as the mailer's ledger knows it; `ambiguities` is how often it may have been accepted unknown to us."""

    state: str
    ambiguities: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message in a queue of dead letters; `letter` is None where not even the id could be read."""

    letter: UUID | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the API, `status` None where there was none."""

    seconds: float
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A token tried after the run: `status` is what the API said, `good` whether it had to be accepted."""

    what: str
    good: bool
    status: int

    @property
    def kept(self) -> bool:
        return self.status == 200 if self.good else self.status in {400, 410}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the invariants are judged by.

    Attributes:
        letters: state of every letter in auth-service's database.
        promised: digests of receipts the API gave out, that its database does not know.
        requested, accepted: asked for; promised.
        delivered: requested letters somebody received.
        received: messages in the mailbox by letter.
        ledger: the mailer's own knowledge.
        dead: dead letters, the two that were planted not among them.
        planted: whether both planted ones (a recipient refused for good, a message nobody can read) are dead letters.
        outbox: rows not settled.
        queues: messages left, by queue; queues of dead letters not among them.
        doubles: addresses with more than one account.
        tokens: tried afterwards; used and replaced ones among them.
        leaks: places where a secret was found.
        answers: of the API, those while it was killed or frozen itself not among them.
        deadline: in seconds, for every answer.
        in_clear: connections on which a login or a letter went without TLS.
        ended: processes that ended though nobody ended them.
    """

    letters: Mapping[UUID, str] = field(default_factory=dict)
    promised: frozenset[str] = frozenset()
    requested: int = 0
    accepted: int = 0
    delivered: int = 0
    received: Counter[UUID] = field(default_factory=Counter)
    ledger: Mapping[UUID, LedgerEntry] = field(default_factory=dict)
    dead: tuple[DeadLetter, ...] = ()
    planted: bool = True
    outbox: int = 0
    queues: Mapping[str, int] = field(default_factory=dict)
    doubles: int = 0
    tokens: tuple[Trust, ...] = ()
    leaks: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    deadline: float = 8.0
    in_clear: int = 0
    ended: tuple[str, ...] = ()

    @property
    def copies(self) -> int:
        return self.received.total() - len(self.received)

    @property
    def ambiguous(self) -> frozenset[UUID]:
        return frozenset(letter for letter, entry in self.ledger.items() if entry.ambiguities)

    @property
    def buried(self) -> frozenset[UUID]:
        """Letters among the dead ones, each with a reason."""
        return frozenset(dead.letter for dead in self.dead if dead.letter and dead.reason)
