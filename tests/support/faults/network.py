"""A network of a test's own: hosts that are network namespaces, on a switch in a namespace of its own; needs root.

The switch has a namespace of its own because the machine's firewall, such as Docker's, may judge what crosses a bridge.
"""

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

NAMESPACES = Path("/run/netns")
_PREFIX = "postern-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Hosts numbered from 1, which the machine itself reaches, too.

    Attributes:
        token: in the names of everything that belongs to it; begins with the pid of the process that made it.
        prefix: three quarters of every address.
        hosts: how many.
    """

    token: str
    prefix: str
    hosts: int

    def address(self, host: int) -> str:
        """IPv4."""
        return f"{self.prefix}.{host}"

    def on(self, host: int) -> tuple[str, ...]:
        """The words before a command that make it run there; the pid stays."""
        return ("ip", "netns", "exec", self._namespace(host))

    @contextmanager
    def parted(self, host: int) -> Iterator[None]:
        """Let no host hear it, nor it them, in the block; the machine reaches all."""
        others = [other for other in range(1, self.hosts + 1) if other != host]
        rules = [(chain, way, self.address(other)) for chain, way in _BOTH_WAYS for other in others]
        self._filter(host, "-A", rules)
        try:
            yield
        finally:
            self._filter(host, "-D", rules)

    @contextmanager
    def cut_off(self, host: int) -> Iterator[None]:
        """Let nobody reach it in the block, nor it anybody: as if its cable were pulled."""
        port = ("link", "set", f"port-{host}")
        _ip(*self._switch, *port, "down")
        try:
            yield
        finally:
            _ip(*self._switch, *port, "up")

    @property
    def _switch(self) -> tuple[str, str]:
        return "-n", self._namespace(0)

    def _namespace(self, host: int) -> str:
        return f"{_PREFIX}-{self.token}-{host}"

    def _filter(self, host: int, action: str, rules: Sequence[tuple[str, str, str]]) -> None:
        for chain, way, address in rules:
            command = ["iptables", "--wait", action, chain, way, address, "-j", "DROP"]
            subprocess.run([*self.on(host), *command], check=True)

    def _plug_in(self) -> None:
        for number in range(self.hosts + 1):
            _ip("netns", "add", self._namespace(number))
        _ip(*self._switch, "link", "add", "bridge", "type", "bridge")
        _ip(*self._switch, "link", "set", "bridge", "up")
        for host in range(1, self.hosts + 1):
            inside = ("-n", self._namespace(host))
            cable = ("link", "add", f"port-{host}", "type", "veth", "peer", "name", "eth0")
            _ip(*self._switch, *cable, "netns", self._namespace(host))
            self._connect(host, *inside, device="eth0")
            _ip(*inside, "link", "set", "lo", "up")
            _ip(*self._switch, "link", "set", f"port-{host}", "master", "bridge", "up")
        device = _device(self.token)
        _ip("link", "add", device, "type", "veth", "peer", "name", "port-0", "netns", self._namespace(0))
        self._connect(254, device=device)
        _ip(*self._switch, "link", "set", "port-0", "master", "bridge", "up")

    def _connect(self, last: int, *inside: str, device: str) -> None:
        _ip(*inside, "address", "add", f"{self.address(last)}/24", "dev", device)
        _ip(*inside, "link", "set", device, "up")

    @classmethod
    def new(cls, *, hosts: int) -> Self:
        """With addresses that are nobody else's on this machine; nothing of it exists yet."""
        chance = random.SystemRandom()
        taken = subprocess.run(
            ["ip", "-o", "-4", "address"], check=True, capture_output=True, text=True
        ).stdout
        while f" {(prefix := f'10.{chance.randrange(64, 256)}.{chance.randrange(256)}')}." in taken:
            continue
        return cls(token=f"{os.getpid()}-{chance.randrange(16**4):04x}", prefix=prefix, hosts=hosts)


_BOTH_WAYS = (("INPUT", "-s"), ("OUTPUT", "-d"))


@contextmanager
def network(*, hosts: int) -> Iterator[Network]:
    """One for the time of the block; what a killed run left behind goes, too.

    Raises:
        AssertionError: not started as root.
    """
    assert os.geteuid() == 0, "only root can make a network: run this row as root"
    _remove_leftovers()
    made = Network.new(hosts=hosts)
    try:
        made._plug_in()  # inside, so that half a network is removed as well
        yield made
    finally:
        _remove(made.token)


def _remove_leftovers() -> None:
    for path in NAMESPACES.glob(f"{_PREFIX}-*-0"):
        pid, token = path.name.split("-")[2:4]
        if not Path("/proc", pid).exists():
            _remove(f"{pid}-{token}")


def _remove(token: str) -> None:
    """The other cables go with the namespaces they end in."""
    if Path("/sys/class/net", _device(token)).exists():
        _ip("link", "delete", _device(token))
    for path in NAMESPACES.glob(f"{_PREFIX}-{token}-*"):
        _ip("netns", "delete", path.name)


def _device(token: str) -> str:
    """The machine's own end of its cable; a device's name has 15 characters at most."""
    return f"pt{token.replace('-', '')[-13:]}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
