"""What operators hold: the table `holds`, and a replica's copy of it, by which letters are kept waiting without a question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from mail_contract.letters import LetterClass
from mailer_service.db import holds as statements
from mailer_service.db.holds import HoldKind
from mailer_service.delivery.outcome import Pause
from mailer_service.delivery.retry import TIERS
from mailer_service.errors import LedgerUnavailable
from mailer_service.suppression.recipient_hashes import RecipientHashes
from service_runtime.database.engine import translated

HELD = "held"
_LONGEST = timedelta(minutes=30)
"""A held letter waits so long, and then again; its release does not wait for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold; the attributes are those of `HoldRow`, and how many seconds it goes on, None until it is released."""

    kind: HoldKind
    target: str
    reason: str
    actor: str
    since: datetime
    expires_at: datetime | None
    seconds: float | None


class HoldStore:
    """Reads and writes holds; expired ones are not there. Every method raises LedgerUnavailable."""

    def __init__(self, engine: Engine) -> None:
        """Takes the ledger's engine, in autocommit mode."""
        self._engine = engine

    def look(self) -> list[Hold]:
        """Returns all, in the order they were made."""
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            rows = connection.execute(statements.LOOK).all()
        return [
            Hold(
                kind=HoldKind(row.kind),
                target=row.target,
                reason=row.reason,
                actor=row.actor,
                since=row.since,
                expires_at=row.expires_at,
                seconds=None if row.seconds is None else float(row.seconds),
            )
            for row in rows
        ]

    def add(
        self, kind: HoldKind, target: str, *, reason: str, actor: str, lifetime: timedelta | None
    ) -> None:
        """Makes a hold, or makes it anew; without a lifetime it goes on until it is released."""
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            connection.execute(statements.SWEEP)
            connection.execute(
                statements.ADD,
                {"kind": kind, "target": target, "reason": reason, "actor": actor, "lifetime": lifetime},
            )

    def release(self, kind: HoldKind, target: str) -> bool:
        """Ends a hold; tells whether it was there."""
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            connection.execute(statements.SWEEP)
            released = connection.execute(statements.RELEASE, {"kind": kind, "target": target})
            return released.rowcount > 0


class Holds:
    """One replica's copy, taken anew every second; any thread may ask."""

    def __init__(self, store: HoldStore) -> None:
        self._store = store
        self._found: dict[tuple[HoldKind, str], Hold] = {}

    def look(self) -> None:
        """Takes the copy anew; where that cannot be, what was known holds. Raises LedgerUnavailable."""
        self._found = {(hold.kind, hold.target): hold for hold in self._store.look()}

    def count(self, kind: HoldKind) -> int:
        """Returns how many there are of a kind."""
        return sum(known is kind for known, _ in self._found)

    def holds_provider(self, name: str) -> bool:
        """Whether a provider is not to be given letters."""
        return (HoldKind.PROVIDER, name) in self._found

    def on(self, letter_class: LetterClass, hashes: RecipientHashes | None) -> Pause | None:
        """Returns how long a letter waits because its class or its recipient's domain is held; None if neither is."""
        found = self._found
        if not found:
            return None
        hold = found.get((HoldKind.CLASS, letter_class.value))
        if hold is None and hashes is not None:
            hold = found.get((HoldKind.DOMAIN, hashes.domain.hex()))
        if hold is None:
            return None
        left = _LONGEST if hold.seconds is None else min(_LONGEST, timedelta(seconds=hold.seconds))
        return Pause(reason=HELD, after=max(TIERS[0].delay, left))
