"""Recipient domains and mailboxes that are slow or turn letters away: they get fewer threads, the others keep theirs.

A letter over its domain's share waits on the broker instead of in a thread, and it costs no attempt. What is known, one
replica knows: each finds a slow domain out within a second or two, with some of its threads. Domains and mailboxes are
known by a keyed hash only.
"""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition

from mailer_service.db.tables import Scope
from mailer_service.suppression.recipient_hashes import RecipientHashes

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


_REMEMBERED = 4096
"""Domains and mailboxes; those longest unused are forgotten first."""
_OF_LATE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.2
_NOT_YET = float("inf")
_LONGEST_WAIT = 300.0
"""Seconds; whoever is put off is worth another look after that, however long the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """A letter's domain, or its mailbox, takes no more for now.

    Attributes:
        after: seconds until another look makes sense.
        refusing: whether it turned letters away; else it is slow.
    """

    after: float
    refusing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadShare:
    """A letter that has a thread of its domain's share.

    Attributes:
        hashes: of its recipient.
        number: unlike any other's.
    """

    hashes: RecipientHashes
    number: int


class DestinationThrottle:
    """Shares the places of one replica among recipient domains: its threads, or its connections where those are fewer.

    Whichever domain begins to hang, a quarter of the places is not its own, and of what hanging domains have left nobody
    gets more than half, as soon as that is less than the half of all. A domain that was quick may have three quarters; one
    that nobody knows yet a half; a slow one a quarter, and all slow ones together half. As long as no other was quick of
    late the provider may be the slow one: then a slow one may have half, and all together three quarters.
    """

    def __init__(
        self,
        *,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
        going_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """Takes the number of threads, and whether waiting still makes sense."""
        self._threads = threads
        self._clock = clock
        self._going_on = going_on
        self._places: OrderedDict[bytes, Destination] = OrderedDict()
        self._busy: dict[bytes, Destination] = {}
        self._quick: dict[bytes, float] = {}
        self._numbers = itertools.count()
        self._changed = Condition()

    def enter(
        self, hashes: RecipientHashes, *, until: float, connections: int | None = None
    ) -> ThreadShare | Throttled:
        """Gives a letter its thread, or tells that it should not have one now.

        Args:
            hashes: of its recipient.
            until: how long to wait in a thread for other letters of a domain that is not slow; monotonic seconds.
            connections: how many this replica may count on; None for as many as it has threads.
        """
        places = self._threads if connections is None else min(self._threads, connections)
        with self._changed:
            while True:
                now = self._clock()
                if (wait := self._refused_for(hashes, now)) > 0.0:
                    return Throttled(after=wait, refusing=True)
                place = self._known(hashes.domain)
                share = self._share_of(hashes.domain, place, places, now)
                if len(place.since) < share:
                    share_held = ThreadShare(hashes=hashes, number=next(self._numbers))
                    place.since[share_held.number] = _NOT_YET
                    self._busy[hashes.domain] = place
                    return share_held
                if now >= until or place.is_slow(now) or not self._going_on():
                    after = place.queue_up(now, max(1, share))
                    return Throttled(after=min(_LONGEST_WAIT, after), refusing=False)
                self._changed.wait(min(until - now, _LOOK_AGAIN_SECONDS))

    def begin(self, share_held: ThreadShare) -> None:
        """The conversation about the letter begins; what it waited for before was not its domain's doing."""
        self._busy[share_held.hashes.domain].since[share_held.number] = self._clock()

    def leave(
        self, share_held: ThreadShare, *, seconds: float | None = None, refused: Scope | None = None
    ) -> None:
        """Takes the thread back.

        Args:
            share_held: what `enter` gave.
            seconds: how long a server took to answer, or not to; None if nothing was heard about this recipient.
            refused: which of the two turned the letter away for now, if one did.
        """
        with self._changed:
            now = self._clock()
            place = self._known(share_held.hashes.domain)
            place.since.pop(share_held.number, None)
            if not place.since:
                self._busy.pop(share_held.hashes.domain, None)
            if seconds is not None:
                place.took(seconds, now)
                if place.quick:
                    self._note_quick(share_held.hashes.domain, now)
                for scope in Scope:
                    key = share_held.hashes.of(scope)
                    if scope is refused:
                        self._known(key).refused(now)
                    elif key in self._places:
                        self._places[key].refusals = 0
            self._changed.notify_all()

    def _share_of(self, domain: bytes, place: Destination, places: int, now: float) -> int:
        slow = sum(len(busy.since) for busy in self._busy.values() if busy is not place and busy.is_slow(now))
        quarter, half = max(1, places // 4), max(1, places // 2)
        if not place.is_slow(now):
            left = places - slow
            share = max(1, left // 2, left - quarter)
            return share if place.quick else min(share, half)
        if any(now - at < _OF_LATE_SECONDS for key, at in self._quick.items() if key != domain):
            return max(0, min(quarter, half - slow))
        return max(0, min(half, max(1, places - quarter) - slow))

    def _note_quick(self, domain: bytes, now: float) -> None:
        """Remembers the two domains that were quick last: whichever is asked about, the other is somebody else."""
        self._quick[domain] = now
        if len(self._quick) > 2:
            self._quick.pop(min(self._quick, key=lambda key: self._quick[key]))

    def _refused_for(self, hashes: RecipientHashes, now: float) -> float:
        known = (self._places.get(key) for key in (hashes.domain, hashes.recipient))
        return max((place.refuses_for(now) for place in known if place is not None), default=0.0)

    def _known(self, key: bytes) -> Destination:
        place = self._places.get(key) or self._busy.get(key)
        if place is None:
            place = self._places[key] = Destination()
            if len(self._places) > _REMEMBERED:
                self._places.popitem(last=False)
        else:
            self._places[key] = place
            self._places.move_to_end(key)
        return place
