"""How long to wait before trying again what others may be trying too."""

from __future__ import annotations

import random


class Backoff:
    """Pauses that double up to a limit, each shortened by chance so that many waiting do not come back together."""

    def __init__(self, *, first: float, longest: float) -> None:
        """Takes the first and the longest pause in seconds."""
        self._first = first
        self._longest = longest
        self._pause = first

    def next(self) -> float:
        """Returns the next pause in seconds, half to all of its full length."""
        pause, self._pause = self._pause, min(self._pause * 2, self._longest)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret

    def reset(self) -> None:
        """After a success: the next pause is the first again."""
        self._pause = self._first
