"""What all replicas know of the providers together: the only writer of the table `providers`.

Every method raises LedgerUnavailable; nothing is sent without the ledger, so nothing is decided without it either.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, TextClause

from mailer_service.errors import LedgerUnavailable
from mailer_service.providers import statements
from mailer_service.providers.circuit import OpenCircuit, ProbeBackoff
from mailer_service.providers.rate_limiter import Block
from mailer_service.smtp.server import SmtpServer
from service_runtime.database.engine import translated


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """How a provider stands with all replicas.

    Attributes:
        name: `host:port`.
        open_circuit: why it gets no letters; None while it does.
        openings: how often it was given up or tried in vain since it last took a letter.
        set_up: whether it was given up for our set-up since then.
        due: whether it may be tried again now.
        width, speed: which part of its connections and of its rate may be used now, above 0 and up to 1.
        wanted: whether a replica was left without a connection of late.
    """

    name: str
    open_circuit: OpenCircuit | None
    openings: int
    set_up: bool
    due: bool
    width: float
    speed: float
    wanted: bool


def space_of(name: str) -> int:
    """Returns the first key of a provider's advisory locks, 31 bits."""
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


class ProviderStore:
    """Asks and tells the database."""

    def __init__(self, engine: Engine, *, probe_backoff: ProbeBackoff) -> None:
        self._engine = engine
        self._probe_backoff = probe_backoff

    def enrol(self, names: Sequence[str]) -> None:
        """Makes rows for providers nobody had before."""
        for name in names:
            self._run(statements.ENROL, name=name)

    def look(self, names: Sequence[str]) -> list[ProviderStatus]:
        """Returns how these stand; one that is not enrolled is missing."""
        return [
            ProviderStatus(
                name=row.name,
                open_circuit=None
                if row.reason is None
                else OpenCircuit(reason=row.reason, account=row.account),
                openings=row.openings,
                set_up=row.set_up,
                due=row.due,
                width=row.width,
                speed=row.speed,
                wanted=row.wanted,
            )
            for row in self._run(statements.LOOK, names=list(names))
        ]

    def open(self, name: str, open_circuit: OpenCircuit) -> bool:
        """Gives a provider up; returns False if another replica did so first."""
        return bool(self._run(statements.OPEN, **self._given_up(name, open_circuit)))

    def begin_probe(self, name: str, *, patience: float) -> int | None:
        """Takes it upon this replica to try a provider that was given up; another may after `patience` seconds.

        Returns:
            A number to end the try with, or None where it is not time or another replica is at it.
        """
        rows = self._run(statements.BEGIN_PROBE, name=name, patience=patience)
        return rows[0].openings if rows else None

    def fail_probe(self, name: str, open_circuit: OpenCircuit, *, openings: int) -> None:
        """Ends a try in vain; nothing happens if it took so long that another replica made one."""
        self._run(statements.FAIL_PROBE, openings=openings, **self._given_up(name, open_circuit))

    def close(self, server: SmtpServer, *, openings: int) -> bool:
        """Ends a try with success: letters go there again; returns False if another replica made one since.

        Where our account had been refused a login proves little, so there is one connection until a letter was taken.
        """
        rows = self._run(
            statements.CLOSE, name=server.name, openings=openings, connections=server.connections
        )
        return bool(rows)

    def reset(self, name: str) -> None:
        """Forgets how often a provider was given up, for it has taken a letter."""
        self._run(statements.RESET, name=name)

    def slow_down(self, server: SmtpServer) -> bool:
        """Halves what all replicas may ask of a server; returns False if that was done within the last second."""
        rows = self._run(
            statements.SLOW_DOWN,
            name=server.name,
            space=space_of(server.name),
            connections=server.connections,
        )
        return bool(rows)

    def reserve(self, name: str, count: int, *, rate: float, lead: float) -> Block | None:
        """Reserves moments at which letters may go; None if the first is more than `lead` seconds away."""
        rows = self._run(statements.RESERVE, name=name, count=count, rate=rate, lead=lead)
        if not rows:
            return None
        until, interval = float(rows[0].until), float(rows[0].interval)
        return Block(wait=max(0.0, until - count * interval), interval=interval)

    def want(self, name: str) -> None:
        """Tells the other replicas that this one has no connection."""
        self._run(statements.WANT, name=name)

    def _given_up(self, name: str, open_circuit: OpenCircuit) -> dict[str, Any]:
        probe_backoff = self._probe_backoff.of(open_circuit)
        return {
            "name": name,
            "reason": open_circuit.reason,
            "account": open_circuit.account,
            "set_up": open_circuit.set_up,
            "first_seconds": probe_backoff.first_seconds,
            "limit_seconds": probe_backoff.limit_seconds,
        }

    def _run(self, statement: TextClause, **values: Any) -> Sequence[Any]:
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            result = connection.execute(statement, values)
            return result.all() if result.returns_rows else ()
