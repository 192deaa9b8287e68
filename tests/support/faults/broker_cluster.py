"""Three RabbitMQ nodes that are one broker, each on a host of its own; needs root."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Self

from postern_local.broker import BrokerNode, BrokerPorts
from postern_local.errors import NotReady
from postern_local.program import Program
from postern_local.readiness import broker_answers, wait_for
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.errors import TopologyError
from support.eventually import eventually
from support.faults.network import Network
from support.infra import Infra, Server

MEMBERS = 3
PORTS = BrokerPorts(amqp=5672, management=15672, metrics=15692, distribution=25672, epmd=4369)
CONFIGURATION = """\
cluster_partition_handling = pause_minority
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = {first}
"""
TICK_SECONDS = 12
"""A node not heard of for so long, give or take a quarter, is gone; Erlang's default is 60."""

RECOVERY_SECONDS = 60
"""For a node that was paused to be back; 15 are usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One node.

    Attributes:
        host: its number in the network.
        node: its files and addresses.
        epmd, server: its two processes.
    """

    host: int
    node: BrokerNode
    epmd: Server
    server: Server

    @classmethod
    def at(cls, network: Network, host: int, *, home: Path, cookie: str, password: str) -> Self:
        """A member that the first one makes or that joins it when it starts; nothing is started yet."""
        node = BrokerNode(
            home=home,
            ports=PORTS,
            password=password,
            vhost="postern",
            statistics_ms=500,
            host=network.address(host),
            name=_name(network, host),
        )
        node.prepare()
        with (home / "rabbitmq.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(CONFIGURATION.format(first=_name(network, 1)))
        (home / ".erlang.cookie").write_text(cookie, encoding="utf-8")
        (home / ".erlang.cookie").chmod(0o400)
        epmd, server = node.programs()
        ticking = f"-kernel net_ticktime {TICK_SECONDS}"
        arguments = f"{server.environment['RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS']} {ticking}"
        more = {"RABBITMQ_USE_LONGNAME": "true", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": arguments}
        there = replace(server, environment={**server.environment, **more})
        return cls(
            host=host,
            node=node,
            epmd=Server(program=_on_host(network, host, epmd), log=home / "epmd.log"),
            server=Server(program=_on_host(network, host, there), log=home / "rabbitmq.log"),
        )

    @property
    def serves(self) -> bool:
        """Whether it takes logins; one that paused itself does not."""
        return broker_answers(self.node.management_url)

    def start(self) -> None:
        """Start it, and wait until it serves."""
        if not self.epmd.is_running:
            self.epmd.start()
        self.server.start()
        wait_for(self.node.name, lambda: self.serves, seconds=180)

    def recover(self) -> None:
        """Wait until it serves, and start it anew if it has not come back by itself, as whoever watches its health would.

        After a pause RabbitMQ 3.10 starts its applications in a running node. The management agent's start fails where
        an old connection to another node is still there beside the new one, and the node then stays as it is.
        """
        try:
            wait_for(self.node.name, lambda: self.serves, seconds=RECOVERY_SECONDS)
        except NotReady:
            self.server.kill()
            self.start()

    def end(self) -> None:
        """Without ceremony."""
        self.server.kill()
        self.epmd.kill()


@dataclass(slots=True, kw_only=True)
class BrokerCluster(Infra):
    """The members as the one broker of a test, beside the session's PostgreSQL.

    The administrator's requests all go to the first member, everybody else begins with another one each time.
    """

    members: tuple[Member, ...]
    _turns: Iterator[int]

    @classmethod
    def of(cls, members: tuple[Member, ...], infra: Infra) -> Self:
        """Theirs, with the databases of `infra`."""
        first = members[0]
        return cls(
            node=first.node,
            cluster=infra.cluster,
            epmd=first.epmd,
            broker=first.server,
            postgres=infra.postgres,
            database_passwords=infra.database_passwords,
            members=members,
            _turns=count(),
        )

    def amqp_url(self, user: str, password: str, vhost: str) -> str:
        """Addresses of all members; each answer begins with the next one."""
        turn = next(self._turns) % len(self.members)
        hosts = [member.node.host for member in (*self.members[turn:], *self.members[:turn])]
        return ";".join(f"amqp://{user}:{password}@{host}:{PORTS.amqp}/{vhost}" for host in hosts)

    def ensure_broker(self) -> None:
        """Start every member that does not run."""
        for member in self.members:
            if not member.server.is_running:
                member.start()

    def leader_of(self, vhost: str, queue: str) -> Member:
        """Where a queue is led at the moment."""
        with BrokerAdmin(self.rabbitmq_admin) as admin:
            name = admin.get("queues", vhost, queue)["leader"]
        return next(member for member in self.members if member.node.name == name)

    def wait_until_whole(self, vhost: str) -> None:
        """Return once every member serves, sees the others, and takes part in every queue."""
        for member in self.members:
            member.recover()
        eventually(lambda: all(self._sees_all(member, vhost) for member in self.members), within=180, every=1)

    def _sees_all(self, member: Member, vhost: str) -> bool:
        if not member.serves:
            return False
        try:
            with BrokerAdmin(member.node.management_url) as admin:
                nodes, queues = admin.get("nodes"), admin.get("queues", vhost)
        except TopologyError:
            return False
        running = sum(node["running"] and not node.get("partitions") for node in nodes)
        members = [len(queue.get("online", ())) for queue in queues if queue.get("type") == "quorum"]
        return running == MEMBERS and bool(members) and set(members) == {MEMBERS}


@contextmanager
def broker_cluster(infra: Infra, network: Network, home: Path) -> Iterator[BrokerCluster]:
    """Started and joined; gone at the end of the block, also after a failure."""
    cookie, password = secrets.token_hex(20), secrets.token_hex(12)
    members = tuple(
        Member.at(network, host, home=home / f"node-{host}", cookie=cookie, password=password)
        for host in range(1, MEMBERS + 1)
    )
    with ExitStack() as ending:
        for member in members:
            ending.callback(member.end)
            member.start()
        yield BrokerCluster.of(members, infra)


def _name(network: Network, host: int) -> str:
    return f"postern@{network.address(host)}"


def _on_host(network: Network, host: int, program: Program) -> Program:
    return replace(program, command=(*network.on(host), *program.command))
