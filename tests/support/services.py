"""The services as child processes of a test: started, stopped, killed, frozen, one by one; none outlives it.

The logs are printed when a test ends, so that pytest shows them with one that failed.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

import psutil

from support.eventually import eventually
from support.freezing import tree
from support.infra import Server
from support.nursery import Child, fork_program
from support.service_programs import Service, ServiceEnvironment
from support.service_readiness import is_ready

JOURNEY: tuple[Service, ...] = ("inbox", "api", "relay", "auth-worker")
LOG_TAIL_BYTES = 20_000


class Ended(Exception):
    """A service ended while it was waited for."""


@dataclass(slots=True, kw_only=True)
class Services:
    """The processes of one test.

    Attributes:
        at: where they work.
        settings: variables for every process started from now on, over its usual ones.
        env: the same by service, over those.
        birth: starts a process.
    """

    at: ServiceEnvironment
    settings: dict[str, str] = field(default_factory=dict)
    env: dict[Service, dict[str, str]] = field(default_factory=dict)
    birth: Callable[..., Child] = fork_program
    _servers: dict[Service, list[Server]] = field(default_factory=dict)

    @property
    def api(self) -> str:
        """Base URL of the API."""
        return self.at.http("api")

    @property
    def ops(self) -> str:
        """Base URL of the API's listener for operators."""
        return self.at.http("ops")

    @property
    def inbox(self) -> str:
        """Base URL of the development inbox's page and JSON API."""
        return self.at.http("inbox")

    @property
    def flower(self) -> str:
        """Base URL of Flower; `service_programs.FLOWER_LOGIN` opens it."""
        return self.at.http("flower")

    def start(self, service: Service, *, n: int = 1, env: Mapping[str, str] | None = None) -> list[Server]:
        """Start `n` more processes of `service` without waiting for them, and return a handle for each.

        Args:
            service: which.
            n: how many; of api, inbox and flower one, they have one port each.
            env: variables for these processes, over the usual ones, `settings` and `self.env`.
        """
        settings = {**self.settings, **self.env.get(service, {}), **(env or {})}
        siblings = self._servers.setdefault(service, [])
        for _ in range(n):
            name = f"{service}-{len(siblings) + 1}"
            program = self.at.program(service, name=name, settings=settings)
            server = Server(program=program, log=self.at.directory / f"{name}.log", birth=self.birth)
            server.start()
            siblings.append(server)
        return siblings[-n:]

    def start_journey(self, *, mailers: int = 1) -> Self:
        """Start what a letter needs from request to report, inbox included, and wait until all of it works."""
        for service in JOURNEY:
            self.start(service)
        self.start("mailer", n=mailers)
        self.wait_until_ready()
        return self

    def wait_until_ready(self, *, within: float = 30.0) -> None:
        """Return once every process that was started does its work; broker and databases have to be up.

        Raises:
            Ended: one of them ended by itself.
            AssertionError: one of them is not ready after `within` seconds.
        """
        for service in self._servers:
            eventually(lambda service=service: self._is_ready(service), within=within)  # type: ignore[misc]

    def servers(self, service: Service) -> list[Server]:
        """The processes of `service` that run, frozen ones too, in the order of their start."""
        return [server for server in self._servers.get(service, []) if server.is_running]

    def pids(self, service: Service) -> list[int]:
        """Their pids; of the API that of its master."""
        return [server.pid for server in self.servers(service)]

    def kill(self, *services: Service) -> None:
        """End all processes of these services, their children too, as a power failure would."""
        ending = self._running(services)
        trees = [process for server in ending for process in tree(server.pid)]
        for process in trees:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for server in ending:
            server.kill()
        eventually(lambda: not any(map(_is_alive, trees)))

    def stop(self, *services: Service) -> None:
        """Ask all processes of these services to end (SIGTERM) and wait until they have."""
        ending = self._running(services)
        for server in ending:
            psutil.Process(server.pid).terminate()
        for server in ending:
            server.stop()

    def freeze(self, *services: Service) -> None:
        """Stop the clock of these services, children too (SIGSTOP)."""
        for server in self._running(services):
            for process in tree(server.pid):
                process.suspend()

    def thaw(self, *services: Service) -> None:
        """Let them go on (SIGCONT)."""
        for server in self._running(services):
            for process in tree(server.pid):
                process.resume()

    def ended_by_themselves(self) -> list[str]:
        """Names of processes that ended though no test stopped or killed them."""
        return [
            server.program.name
            for servers in self._servers.values()
            for server in servers
            if server.process is not None and not server.is_running
        ]

    def log(self, service: Service) -> str:
        """Everything the processes of `service` wrote, those that ended too."""
        paths = [server.log for server in self._servers.get(service, [])]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)

    def end(self) -> None:
        """Kill what is left and print the end of every log."""
        self.kill(*self._servers)
        for path in sorted(self.at.directory.glob("*.log")):
            tail = path.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", errors="replace")
            print(f"----- {path.name} -----\n{tail}")

    def _running(self, services: tuple[Service, ...]) -> list[Server]:
        return [server for service in services for server in self.servers(service)]

    def _is_ready(self, service: Service) -> bool:
        for server in self._servers[service]:
            # One that a test stopped has no process any more; one that ended by itself still has.
            if server.process is not None and not server.is_running:
                raise Ended(f"{server.program.name}:\n{server.log.read_text(encoding='utf-8')}")
        running = self.servers(service)
        return not running or is_ready(service, running, self.at)


@contextmanager
def services_at(environment: ServiceEnvironment) -> Iterator[Services]:
    """None at first; whatever was started is gone at the end, also after a failure."""
    services = Services(at=environment)
    try:
        yield services
    finally:
        services.end()


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
