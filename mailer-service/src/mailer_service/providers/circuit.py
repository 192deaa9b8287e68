"""When a provider is left alone: pure rules, and what one replica knows of one provider.

Open means that nobody hands it letters; one replica at a time tries to log in, without a letter, at growing intervals.
The state all replicas share is a row (`providers.provider_store`); this is the copy a replica decides by, without asking.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from mailer_service.delivery.outcome import Concern


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCircuit:
    """Why a provider gets no letters.

    Attributes:
        reason: a token, such as `5.7.8` or `connection_refused`.
        account: whether it refuses us as a customer, which time alone does not mend, or a login does not show.
        quota: whether it takes no more from us for today.
        set_up: whether we may not send like this.
        reply: its words, redacted, for the log.
    """

    reason: str
    account: bool = False
    quota: bool = False
    set_up: bool = False
    reply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeBackoff:
    """When a provider that gets no letters is tried.

    Attributes:
        first_seconds: after it was given up; doubled with each try in vain.
        limit_seconds: the longest between two tries.
        quota_factor: so many times longer are both where a daily quota is used up.
    """

    first_seconds: float = 2.0
    limit_seconds: float = 120.0
    quota_factor: float = 30.0

    def of(self, open_circuit: OpenCircuit) -> ProbeBackoff:
        """Returns when a provider that was given up like this is tried."""
        if not open_circuit.quota:
            return self
        return ProbeBackoff(
            first_seconds=self.first_seconds * self.quota_factor,
            limit_seconds=self.limit_seconds * self.quota_factor,
        )

    def pause_after(self, openings: int) -> float:
        """Returns the seconds until the next try, having been given up or tried in vain so often, from 1."""
        doublings = min(openings - 1, 32)
        return min(self.limit_seconds, self.first_seconds * 2.0**doublings)


class Circuit:
    """One replica's view of one provider; any thread may use it.

    Attributes:
        open_circuit: why it gets no letters, None while it does.
        openings: how often it was given up or tried in vain since it last took a letter, by the shared row.
        set_up: whether it was given up for our set-up since then.
    """

    def __init__(self, *, threshold: int = 3) -> None:
        self.open_circuit: OpenCircuit | None = None
        self.openings = 0
        self.set_up = False
        self._threshold = threshold
        self._failures = 0
        self._refusing: set[str] = set()
        self._lock = Lock()

    def judge(
        self, concern: Concern, reason: str, *, domain: str = "", reply: str | None = None
    ) -> OpenCircuit | None:
        """Takes note of what a letter came to; returns an opening if the provider is to be given up now.

        An account's refusal is certain at once. A provider that is away is believed to be so after a few letters in a
        row, for one lost connection is nothing; that our set-up is wrong, after as many domains, for one may be wrong
        about us. Where that was found out before, and no letter was taken since, one is enough.

        Args:
            concern: of the letter's answer.
            reason: its token.
            domain: the letter's.
            reply: the server's words, redacted.
        """
        with self._lock:
            if concern in {Concern.NONE, Concern.DOMAIN, Concern.RECIPIENT}:
                self._failures = 0
                self._refusing.clear()
                return None
            account = concern is not Concern.PROVIDER
            if concern is Concern.PROVIDER:
                self._failures += 1
                certain = self._failures >= self._threshold
            elif concern is Concern.SET_UP:
                self._refusing.add(domain)
                certain = len(self._refusing) >= self._threshold or self.set_up
            else:
                certain = True
            if self.open_circuit is not None or not certain:
                return None
            self.open_circuit = OpenCircuit(
                reason=reason,
                account=account,
                quota=concern is Concern.QUOTA,
                set_up=concern is Concern.SET_UP,
                reply=reply,
            )
            return self.open_circuit

    def follow(self, open_circuit: OpenCircuit | None, *, openings: int, set_up: bool) -> None:
        """Takes over what the shared row says."""
        with self._lock:
            if open_circuit is None and self.open_circuit is not None:
                self._failures = 0
            self.open_circuit = open_circuit
            self.openings = openings
            self.set_up = set_up
