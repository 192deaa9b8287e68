"""Free ports on loopback."""

import random
import socket
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path

LOOPBACK = "127.0.0.1"

OUT_OF_THE_WAY = range(15000, 30000)
"""Below the ephemeral range: nobody's outgoing connection takes such a port while its server restarts, and a
client that retries a stopped server can never be connected to itself."""

RESERVATIONS = Path(tempfile.gettempdir()) / "postern-ports"
RESERVED_SECONDS = 120

USUAL = {
    "api": 8000,
    "inbox": 8025,
    "smtp": 1025,
    "rabbitmq_console": 15672,
    "amqp": 5672,
    "rabbitmq_metrics": 15692,
    "rabbitmq_distribution": 25672,
    "epmd": 4369,
    "postgres": 5432,
    "flower": 5555,
    "ops": 9400,
    "relay": 9391,
    "auth_worker": 9392,
    "beat": 9393,
    "prometheus": 9090,
}


def is_free(port: int) -> bool:
    """Whether a server could bind `port` on loopback now, on every interface too."""
    for address in (LOOPBACK, ""):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def usual_ports(remembered: Mapping[str, int]) -> dict[str, int]:
    """One free port a name: the one of the last run, else the usual one, else the next free after it.

    Args:
        remembered: ports of an earlier run; names unknown today are ignored.
    """
    chosen: dict[str, int] = {}
    for name, usual in USUAL.items():
        wanted = [remembered[name]] if name in remembered else []
        candidates = [*wanted, *range(usual, usual + 200)]
        chosen[name] = first_free(candidates, taken=chosen.values())
    return chosen


def any_ports(remembered: Mapping[str, int]) -> dict[str, int]:
    """One free port a name, away from the usual ones, so that a second stack leaves those to the first.

    Args:
        remembered: ports of an earlier run, taken again where still free.
    """
    _forget_old_reservations()
    chosen: dict[str, int] = {}
    for name in USUAL:
        wanted = [remembered[name]] if name in remembered else []
        shuffled = (port for port in random.sample(OUT_OF_THE_WAY, 200) if is_free(port) and reserve(port))
        chosen[name] = first_free(chain(wanted, shuffled), taken=[*chosen.values(), *USUAL.values()])
    return chosen


def reserve(port: int) -> bool:
    """Whether nobody else has chosen `port` lately: between choice and start many seconds pass, and tests are many."""
    RESERVATIONS.mkdir(exist_ok=True)
    note = RESERVATIONS / str(port)
    try:
        note.touch(exist_ok=False)
    except FileExistsError:
        if time.time() - note.stat().st_mtime < RESERVED_SECONDS:
            return False
        note.touch()
    return True


def _forget_old_reservations() -> None:
    for note in RESERVATIONS.glob("*"):
        with suppress(FileNotFoundError):  # somebody else forgets it, too
            if time.time() - note.stat().st_mtime > RESERVED_SECONDS:
                note.unlink()


def first_free(candidates: Iterable[int], *, taken: Iterable[int]) -> int:
    """The first of `candidates` that is not in `taken` and that a server could bind now."""
    busy = set(taken)
    return next(port for port in candidates if port not in busy and is_free(port))
