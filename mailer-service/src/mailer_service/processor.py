"""One processor for all threads of a replica.

The interpreter runs one thread at a time, so a second processor is of no use to it. But the kernel wakes each thread on
whichever is free, and handing the interpreter's lock over to another processor costs more than the work between two
such moments: on one processor forty threads send twice as many letters (docs/decisions/why-threads.md). Others use it
too, so every few seconds the choice is looked at again.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Self

_LOOK_SECONDS = 5.0
_GAIN = 0.25
"""How much freer another one must be, as a share of its time: whoever moves loses what the caches hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How long processors have been busy.

    Attributes:
        at: when, in seconds of a clock.
        own: seconds of CPU this process has used.
        busy: seconds each processor has been in use, whoever used it.
    """

    at: float
    own: float
    busy: Mapping[int, float]

    @classmethod
    def take(cls, processors: set[int]) -> Self:
        """Reads the kernel's figures of these (proc(5), `/proc/stat`); raises OSError."""
        ticks = os.sysconf("SC_CLK_TCK")
        busy = {}
        for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
            name, *figures = line.split()
            if name.startswith("cpu") and name != "cpu" and int(name[3:]) in processors:
                user, nice, system, _idle, _waiting, *interrupts = (int(figure) for figure in figures[:7])
                busy[int(name[3:])] = sum((user, nice, system, *interrupts)) / ticks
        return cls(at=time.monotonic(), own=time.process_time(), busy=busy)


def better(mine: int, before: Reading, now: Reading) -> int | None:
    """Returns the processor to move to, None to stay: where others leave clearly more time than they do here."""
    seconds = now.at - before.at
    busy = {
        known: (now.busy[known] - before.busy[known]) / seconds for known in now.busy.keys() & before.busy
    }
    if mine not in busy:
        return None
    others = busy[mine] - (now.own - before.own) / seconds
    freest = min(busy, key=lambda known: busy[known])
    return freest if freest != mine and busy[freest] <= others - _GAIN else None


class Processor:
    """Keeps this process on one processor; where the system has none to choose from, it does nothing.

    Args:
        stopping: ends the looking.
    """

    def __init__(self, *, stopping: Event) -> None:
        self._stopping = stopping

    def settle(self) -> None:
        """Chooses one for this thread and for all it starts, so it is called before there are others."""
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        if len(allowed) > 1:
            # By chance: of replicas that start together each would find the same one free.
            mine = random.choice(sorted(allowed))  # noqa: S311 - no secret
            try:
                os.sched_setaffinity(0, {mine})
            except OSError:  # a sandbox that forbids it: then wherever the kernel likes
                return
            Thread(target=self._look, args=(mine, allowed), name="processor", daemon=True).start()

    def _look(self, mine: int, allowed: set[int]) -> None:
        with suppress(OSError):  # where the kernel does not tell, the choice stays
            before = Reading.take(allowed)
            # Not in step with another replica, or both would move to and fro.
            while not self._stopping.wait(_LOOK_SECONDS * random.uniform(0.5, 1.5)):  # noqa: S311
                now = Reading.take(allowed)
                found = better(mine, before, now)
                if found is not None:
                    mine = found
                    _move_to(found)
                before = now


def _move_to(processor: int) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), {processor})
