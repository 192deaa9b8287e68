"""Connections to a provider, so many for all replicas together: each is a slot, an advisory lock in the replica's session.

A killed replica's session ends with it, so its slots are free at once. A slot outlives the connection it was taken for:
as long as letters go, a replica asks the database next to never.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Condition

from mailer_service.db.session_lock import SessionLock
from mailer_service.providers import statements
from mailer_service.providers.provider_store import space_of
from mailer_service.smtp.server import SmtpServer

_ASK_AGAIN_SECONDS = 0.2
_OF_LATE_SECONDS = 2.0
"""Longer than between two looks of the monitor."""


class ConnectionQuota:
    """The slots one replica has at one provider; a thread takes one for each letter.

    Attributes:
        in_use: how many letters have one.
        share: how many this replica has while all replicas want some.
    """

    def __init__(
        self, server: SmtpServer, session_lock: SessionLock, *, going_on: Callable[[], bool] = lambda: True
    ) -> None:
        """Takes the server, the replica's session, and whether waiting still makes sense."""
        self.in_use = 0
        self._limit = self._allowed = self.share = server.connections
        self._space = space_of(server.name)
        self._session_lock = session_lock
        self._going_on = going_on
        self._target: int | None = None
        self._held: list[int] = []
        self._epoch = -1
        self._refused_until = 0.0
        self._starving = False
        self._changed = Condition()

    def __len__(self) -> int:
        """How many are held."""
        return len(self._held)

    @property
    def starving(self) -> bool:
        """Whether a letter found none of late although this replica has none at all."""
        return self._starving and not self._held

    @property
    def short(self) -> bool:
        """Whether a letter found none of late although this replica has fewer than its share."""
        return len(self._held) < self.share and time.monotonic() < self._refused_until + _OF_LATE_SECONDS

    def take(self, *, until: float) -> bool:
        """Waits for a slot; returns False if there is none until then (monotonic). Raises LedgerUnavailable."""
        with self._changed:
            while True:
                self._notice_a_new_session()
                if self.in_use < self._usable() or self._take_another():
                    self.in_use += 1
                    return True
                now = time.monotonic()
                if now >= until or not self._going_on():
                    return False
                self._changed.wait(min(until - now, _ASK_AGAIN_SECONDS))

    def fill(self) -> bool:
        """Takes one more if there is one; returns whether this replica has any now. Raises LedgerUnavailable."""
        with self._changed:
            self._notice_a_new_session()
            if not self._held:
                self._refused_until = 0.0
                self._take_another()
            return bool(self._held)

    def give_back(self) -> None:
        """The letter is done; the slot stays here for the next."""
        with self._changed:
            self.in_use -= 1
            self._changed.notify()

    def limit(self, *, width: float, wanted: bool) -> None:
        """Sets how many may be used from now on; letters in hand keep theirs. Raises LedgerUnavailable.

        Args:
            width: which part of the limit may be open at once, by all replicas, above 0 and up to 1.
            wanted: whether another replica was left without one: then no more than this one's share.
        """
        with self._changed:
            self._notice_a_new_session()
        with self._session_lock.session() as session:
            replicas = int(session.execute(statements.REPLICAS, {"space": self._space}).scalar_one())
        with self._changed:
            self._allowed = max(1, math.floor(self._limit * width + 1e-9))
            self.share = math.ceil(self._allowed / max(1, replicas))
            self._target = self.share if wanted else None

    def for_idle(self) -> int:
        """Returns how many connections may be kept open without a letter."""
        with self._changed:
            return max(0, self._usable() - self.in_use)

    def return_spare(self, *, idle: Callable[[], int]) -> None:
        """Gives slots back that neither a letter nor an idle connection needs. Raises LedgerUnavailable.

        Args:
            idle: tells how many connections are kept open without a letter.
        """
        with self._changed:
            self._notice_a_new_session()
            spare = len(self._held) - self.in_use - idle()
            if spare <= 0:
                return
            # Those beyond a limit that was lowered go first.
            self._held.sort()
            going, self._held = self._held[-spare:], self._held[:-spare]
            with self._session_lock.session() as session:
                session.execute(statements.GIVE_SLOTS_BACK, {"slots": going, "space": self._space})

    def _usable(self) -> int:
        usable = sum(slot <= self._allowed for slot in self._held)
        return usable if self._target is None else min(usable, self._target)

    def _take_another(self) -> bool:
        now = time.monotonic()
        if now < self._refused_until or (self._target is not None and len(self._held) >= self._target):
            return False
        with self._session_lock.session() as session:
            slot = session.execute(
                statements.TAKE_SLOT, {"allowed": self._allowed, "mine": self._held, "space": self._space}
            ).scalar_one_or_none()
        if slot is None:
            self._starving = True
            self._refused_until = now + _ASK_AGAIN_SECONDS
            return False
        self._starving = False
        self._held.append(slot)
        return self.in_use < self._usable()

    def _notice_a_new_session(self) -> None:
        if self._epoch == self._session_lock.epoch:
            return
        # What was held in the last session is free for others; letters in hand end on connections without a slot.
        self._held.clear()
        with self._session_lock.session() as session:
            session.execute(statements.ATTEND, {"space": self._space})
        self._epoch = self._session_lock.epoch
