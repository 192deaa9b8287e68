"""A virtual host of a test's own, with the topology and its users, gone after the test."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast

from amqp.exceptions import AMQPError
from kombu import Connection

from mail_contract.topology import TOPOLOGY
from mail_contract.vhost import Topology, version_of
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.apply import apply_topology
from postern_rabbitmq.definitions import definitions
from support.certificates import NOBODY
from support.infra import Infra


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCount:
    """What the broker itself answers for a queue, without delay."""

    message_count: int
    consumer_count: int


class Look:
    """A connection kept for the next look: opening one costs both ends more than all that is asked of it."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._lock = Lock()

    def at(self, queue: str, url: str) -> QueueCount:
        """Ask for a queue's counts; a connection that was lost since the last look is replaced."""
        with self._lock:
            kept = self._connection is not None
            try:
                return self._ask(queue, url)
            except (AMQPError, OSError):
                self.close()
                if not kept:
                    raise
            return self._ask(queue, url)

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect()

    def _ask(self, queue: str, url: str) -> QueueCount:
        if self._connection is None:
            self._connection = Connection(url, transport_options={"read_timeout": 5, "write_timeout": 5})
        channel: Any = self._connection.default_channel
        answer = channel.queue_declare(queue, passive=True)
        return QueueCount(message_count=answer.message_count, consumer_count=answer.consumer_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHost:
    """Where a test's messages live, and a look into it."""

    infra: Infra
    admin: BrokerAdmin
    vhost: str
    user_prefix: str
    passwords: Mapping[str, str]
    look: Look = field(default_factory=Look, repr=False)

    @property
    def admin_url(self) -> str:
        """The management API with the administrator's login."""
        return self.infra.rabbitmq_admin

    def url(self, user: str) -> str:
        """AMQP address for `user` of the topology (`auth`, `mailer`, `operator`, `flower`), or for `admin`."""
        if user == "admin":
            return self.infra.amqp_url(self.admin.user, self.infra.node.password, self.vhost)
        return self.infra.amqp_url(self.user_prefix + user, self.passwords[user], self.vhost)

    def api_url(self, user: str) -> str:
        """The management API with the login of a user of the topology."""
        place = self.admin_url.rpartition("@")[2]
        return f"http://{self.user_prefix}{user}:{self.passwords[user]}@{place}"

    def depth(self, queue: str) -> int:
        """Messages ready in `queue` at this moment, exactly; those handed out and not acked do not count."""
        return self._declared(queue).message_count

    def report(self, queue: str) -> dict[str, Any]:
        """What the management API says of `queue`; its figures are up to half a second old."""
        return cast("dict[str, Any]", self.admin.get("queues", self.vhost, queue))

    def consumers(self, queue: str) -> int:
        """Consumers of `queue` at this moment, exactly."""
        return self._declared(queue).consumer_count

    def peek(self, queue: str, count: int = 1000) -> list[dict[str, Any]]:
        """Look at messages and put them back: each has `payload`, `properties` and `routing_key`."""
        return self._get(queue, count, ackmode="ack_requeue_true")

    def take(self, queue: str, count: int = 1000) -> list[dict[str, Any]]:
        """Take messages out of `queue`; each has `payload`, `properties` and `routing_key`."""
        return self._get(queue, count, ackmode="ack_requeue_false")

    def purge(self, queue: str) -> None:
        """Throw away what is ready in `queue`."""
        self.admin.delete("queues", self.vhost, queue, "contents")

    def apply(self, topology: Topology = TOPOLOGY) -> None:
        """Make what is missing of the topology, as its owner does."""
        apply_topology(
            self.admin,
            vhost=self.vhost,
            passwords=self.passwords,
            user_prefix=self.user_prefix,
            topology=topology,
        )

    def take_policies_of(self, topology: Topology) -> None:
        """Change to this topology, which differs in nothing but its policies, such as how long letters wait."""
        for policy in topology.known_to(version_of(self.admin.version())).policies:
            body = {"pattern": policy.pattern, "definition": dict(policy.definition), "apply-to": "queues"}
            self.admin.put("policies", self.vhost, policy.name, body=body)

    def _declared(self, queue: str) -> QueueCount:
        return self.look.at(queue, self.url("admin"))

    def _get(self, queue: str, count: int, *, ackmode: str) -> list[dict[str, Any]]:
        wanted = {"count": count, "ackmode": ackmode, "encoding": "auto"}
        return cast("list[dict[str, Any]]", self.admin.post("queues", self.vhost, queue, "get", body=wanted))


@contextmanager
def virtual_host(infra: Infra) -> Iterator[VirtualHost]:
    """Make one with the topology applied; delete it and its users at the end."""
    name = f"test-{secrets.token_hex(4)}"
    prefix = f"{name}-"
    passwords = {user.name: secrets.token_hex(12) for user in TOPOLOGY.users}
    pid = infra.broker_pid
    with BrokerAdmin(infra.rabbitmq_admin, trust=NOBODY) as admin:
        admin.post("definitions", body=_everything(admin, name, prefix, passwords))
        fresh = VirtualHost(infra=infra, admin=admin, vhost=name, user_prefix=prefix, passwords=passwords)
        try:
            yield fresh
        finally:
            fresh.look.close()
            infra.ensure_broker()
            # Soon after a restart RabbitMQ 3.10 is still starting its dead-letter workers: to delete their queues then
            # breaks their supervisor for good. What is left behind goes with the session's data.
            if infra.broker_pid == pid:
                admin.delete("vhosts", name)
                admin.post("users", "bulk-delete", body={"users": [prefix + user for user in passwords]})


def _everything(admin: BrokerAdmin, vhost: str, prefix: str, passwords: Mapping[str, str]) -> dict[str, Any]:
    """A virtual host, its topology and its users in one request: what `apply_topology` asks for in fifty.

    That both come to the same is tested with the topology.
    """
    wanted = definitions(TOPOLOGY.known_to(version_of(admin.version())), vhost)
    rights = {user.name: (user.configure, user.write, user.read) for user in TOPOLOGY.users}
    everybody = {prefix + name: of_one for name, of_one in rights.items()}
    everybody[admin.user] = (".*", ".*", ".*")
    return wanted | {
        "vhosts": [{"name": vhost, "default_queue_type": "quorum"}],
        "users": [
            {"name": prefix + user.name, "password": passwords[user.name], "tags": user.tags}
            for user in TOPOLOGY.users
        ],
        "permissions": [
            {"vhost": vhost, "user": user, "configure": configure, "write": write, "read": read}
            for user, (configure, write, read) in everybody.items()
        ],
    }
