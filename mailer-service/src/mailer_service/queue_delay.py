"""How long letters lie in their queues, seen from those that are taken.

A quorum queue does not tell the age of its head. But nobody overtakes in it, so the youngest of the letters taken lately has
lain there no longer than the others: one that comes for another attempt is older, and does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from mail_contract.letters import LetterClass

_WINDOW_SECONDS: Final = 15.0


class QueueDelay:
    """Told of each letter that is done with; one object for all threads.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._youngest: dict[LetterClass, tuple[float, float]] = {}
        """By class: until when it counts, and its age."""

    def took(self, letter_class: LetterClass, age_seconds: float) -> None:
        """A letter of the class was so old when it was taken."""
        now = self._clock()
        until, youngest = self._youngest.get(letter_class, (now, 0.0))
        if now >= until:
            self._youngest[letter_class] = (now + _WINDOW_SECONDS, age_seconds)
        elif age_seconds < youngest:
            self._youngest[letter_class] = (until, age_seconds)

    def seconds(self, letter_class: LetterClass) -> float:
        """Returns how long letters of the class lay in their queue lately; 0 where none was taken in half a minute."""
        until, youngest = self._youngest.get(letter_class, (0.0, 0.0))
        return max(0.0, youngest) if self._clock() < until + _WINDOW_SECONDS else 0.0
