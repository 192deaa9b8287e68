"""Health of a process without an HTTP port: is it connected to the servers it cannot work without?

Usage: `python alive.py AUTH_BROKER_URL AUTH_DATABASE_URL`, inside the process's container, where each argument names the
setting (given as a variable or as NAME_FILE) that holds a server's URL. Exit code 0 while the container holds an established
connection to the port of every one of them (of a cluster: to one of its nodes), 1 otherwise, with the first missing one on standard error.

A list of open connections costs nothing and asks nothing of the process, whereas Celery's own ping needs rights on the
broker that most processes do not have. What it cannot see is a process that is connected and stuck.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671, "postgresql": 5432, "postgres": 5432}
ESTABLISHED = "01"
"""The state's number in Linux's /proc/net/tcp."""


def setting(name: str) -> str:
    """Returns the setting's value, from the variable or from the file that NAME_FILE names."""
    value = os.environ.get(name)
    return (
        value if value is not None else Path(os.environ[f"{name}_FILE"]).read_text(encoding="utf-8").strip()
    )


def ports_of(url: str) -> set[int]:
    """Returns the port the URL names or its scheme stands for, of a broker with several nodes all of them."""
    nodes = url.split(";") if url.startswith("amqp") else [url]
    parts = [urlsplit(node) for node in nodes]
    return {part.port or DEFAULT_PORTS[part.scheme.partition("+")[0]] for part in parts}


def connected_ports() -> Iterator[int]:
    """Yields the remote port of each established TCP connection in this network namespace."""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else ():
            _, _, remote, state, *_ = line.split()
            if state == ESTABLISHED:
                yield int(remote.rpartition(":")[2], 16)


def main(names: list[str]) -> int:
    """Returns the exit code for the settings named."""
    connected = set(connected_ports())
    for name in names:
        try:
            wanted = ports_of(setting(name))
        except (ValueError, KeyError, OSError):  # whose words may quote a part of the password
            print(f"not set, or no address: {name}", file=sys.stderr)
            return 1
        if connected.isdisjoint(wanted):
            print(f"not connected: {name}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
