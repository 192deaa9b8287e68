"""What a replica knows of one recipient domain or mailbox."""

from __future__ import annotations

from dataclasses import dataclass, field

SLOW_SECONDS = 1.0
"""A letter that takes longer makes its domain a slow one."""
_SLOW_FOR_SECONDS = 300.0
"""A domain is a slow one for so long after its last slow letter, or until a quick one."""
_FIRST_REFUSAL_SECONDS = 10.0
_LONGEST_REFUSAL_SECONDS = 600.0
_SHORTEST_WAIT = 10.0


@dataclass(slots=True, kw_only=True)
class Destination:
    """All times are monotonic seconds.

    Attributes:
        since: since when a server is spoken to about each letter that has a thread, by its number; infinite before.
        quick: whether its last letter took less than a second.
        slow_until: how long it is treated as slow.
        seconds: what a slow letter took of late.
        line_until: when the letters put off so far could all have been sent.
        refused_until: it turned a letter away, and is left alone until then.
        refusals: in a row.
    """

    since: dict[int, float] = field(default_factory=dict)
    quick: bool = False
    slow_until: float = 0.0
    seconds: float = SLOW_SECONDS
    line_until: float = 0.0
    refused_until: float = 0.0
    refusals: int = 0

    def is_slow(self, now: float) -> bool:
        """Whether a letter was slow of late, or is at this moment."""
        return self.slow_until > now or self.is_stuck(now)

    def is_stuck(self, now: float) -> bool:
        """Whether the letter longest in hand takes too long at this moment."""
        return bool(self.since) and now - min(self.since.values()) > SLOW_SECONDS

    def refuses_for(self, now: float) -> float:
        """Returns for how many seconds it should be left alone; after a refusal one letter at a time tries."""
        if self.refused_until > now:
            return self.refused_until - now
        return _SHORTEST_WAIT if self.refusals and self.since else 0.0

    def queue_up(self, now: float, share: int) -> float:
        """Returns after how many seconds one more letter may find a thread, those put off before it considered."""
        self.line_until = max(self.line_until, now) + self.seconds / share
        return max(_SHORTEST_WAIT, self.line_until - now)

    def took(self, seconds: float, now: float) -> None:
        """Takes note of a letter that was answered, whatever the answer."""
        self.quick = seconds < SLOW_SECONDS
        if self.quick:
            self.slow_until = self.line_until = 0.0
            self.seconds = SLOW_SECONDS
        else:
            self.slow_until = now + _SLOW_FOR_SECONDS
            self.seconds = (self.seconds + seconds) / 2

    def refused(self, now: float) -> None:
        """Takes note of a letter turned away for now; a refusal while it is left alone already says nothing new."""
        if self.refused_until <= now:
            self.refusals += 1
            pause = min(_LONGEST_REFUSAL_SECONDS, _FIRST_REFUSAL_SECONDS * 2.0 ** min(self.refusals - 1, 16))
            self.refused_until = now + pause
