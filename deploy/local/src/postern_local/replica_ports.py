"""The port of each mailer's `/metrics` and `/healthz`: drawn when it is added, for replicas come and go."""

import json
import os
import random

from postern_local.directory import StateDirectory, write_private
from postern_local.ports import LOOPBACK, OUT_OF_THE_WAY, first_free, reserve

USUAL = range(9401, 9500)
"""`mailer-1` has the first one, unless somebody else does."""


def draw(state: StateDirectory, name: str) -> int:
    """A free port for the mailer `name`, the one of the last time where it still is; written down.

    POSTERN_PORTS=any keeps away from the usual ones.
    """
    ports = drawn(state)
    wanted = [ports.pop(name)] if name in ports else []
    if os.environ.get("POSTERN_PORTS") == "any":
        others = (port for port in random.sample(OUT_OF_THE_WAY, 200) if reserve(port))
        port = first_free([*wanted, *others], taken=ports.values())
    else:
        port = first_free([*wanted, *USUAL], taken=ports.values())
    write_private(state.replica_ports_file, json.dumps({**ports, name: port}, indent=2) + "\n")
    return port


def drawn(state: StateDirectory) -> dict[str, int]:
    """Ports by name, of mailers that run and of some that once did."""
    if not state.replica_ports_file.exists():
        return {}
    found: dict[str, int] = json.loads(state.replica_ports_file.read_text(encoding="utf-8"))
    return found


def address(state: StateDirectory, name: str) -> str:
    """Base URL of a mailer that was added."""
    return f"http://{LOOPBACK}:{drawn(state)[name]}"
