"""argon2id, a bounded number at a time: under a flood the process says "come back", it does not swell."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol

import argon2

from auth_service.errors import TooBusy
from auth_service.security.equal_work import check
from auth_service.security.stored_hashes import kind_of

_ARGON2ID: Final = argon2.PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=argon2.Type.ID
)
"""OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, t=2, p=1. About 20 ms of one core."""
_OWN_KIND: Final = "$argon2id$v=19$m=19456,t=2,p=1"


requested_at: ContextVar[float | None] = ContextVar("requested_at", default=None)
"""When the request in hand was complete, in seconds on the monotonic clock: its patience began before a thread took it."""


class HashObserver(Protocol):
    """Is told about every computation; metrics in production, a list in tests."""

    def queued(self) -> None:
        """A caller waits for its turn."""

    def begun(self) -> None:
        """A caller that waited got its turn, or never will."""

    def computed(self, seconds: float, waited: float) -> None:
        """One hash took so long, after waiting so long for its turn."""

    def refused(self) -> None:
        """A caller's turn did not come in time."""


class Passwords:
    """Hashes and verifies passwords, at most `at_once` at a time in this process.

    Args:
        at_once: computations in parallel, 19 MiB and one core each.
        wait_seconds: how long a caller waits for its turn, from `requested_at` on.
        observer: told about each computation.
    """

    def __init__(self, *, at_once: int, wait_seconds: float, observer: HashObserver) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._wait_seconds = wait_seconds
        self._observer = observer

    def hash(self, password: str, *, salt: bytes) -> str:
        """Returns the PHC string of a password in its normalized form, with these 16 bytes of salt; raises TooBusy."""
        with self._turn() as waited:
            started = time.perf_counter()
            encoded = _ARGON2ID.hash(password, salt=salt)
            self._observer.computed(time.perf_counter() - started, waited)
        return encoded

    def verify(self, encoded: str | None, password: str, *, kinds: Collection[str] = ()) -> bool:
        """Says whether this is the password of a PHC string; raises TooBusy.

        Args:
            encoded: as it is kept, ours or imported; where there is none, or none that can be read, as much is computed.
            password: as typed. Ours are hashes of its normalized form, imported ones of whatever was typed.
            kinds: of all hashes that are kept: each is computed once, so that the time does not tell whose is which.
        """
        with self._turn() as waited:
            started = time.perf_counter()
            right = check(encoded, password, kinds={*kinds, _OWN_KIND})
            self._observer.computed(time.perf_counter() - started, waited)
        return right

    def is_outdated(self, encoded: str) -> bool:
        """Says whether a hash that was just verified was imported, or made with other parameters than today's."""
        return kind_of(encoded) != _OWN_KIND

    @contextmanager
    def _turn(self) -> Iterator[float]:
        now = time.monotonic()
        started = requested_at.get() or now
        longest_wait = self._wait_seconds - (now - started)
        if longest_wait <= 0 or not self._gets_turn(longest_wait):
            self._observer.refused()
            raise TooBusy
        try:
            yield time.monotonic() - started
        finally:
            self._turns.release()

    def _gets_turn(self, seconds: float) -> bool:
        if self._turns.acquire(blocking=False):
            return True
        self._observer.queued()
        try:
            return self._turns.acquire(timeout=seconds)
        finally:
            self._observer.begun()
