"""What the broker says of itself, read twice for the figures of its queues; absent fields have a value here.

Fields differ between RabbitMQ 3.10 and 4.x, and a queue made a moment ago has no figures until its next tick (5 s by
default), so nothing but a name is taken for granted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from mail_contract.vhost import Topology, version_of
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.check import find_differences
from postern_rabbitmq.difference import Difference

_REMOTE_CONTROL = ".pidbox"
"""How the queues end by which Celery asks each worker how it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """One queue at one moment.

    Attributes:
        name: of the queue.
        type: `quorum`, `classic`, …
        arguments: it was declared with.
        policy: name of the policy in effect.
        operator_policy: name of the operator policy in effect.
        effective: what both together come to; None where the queue has not reported yet.
        ready: messages a consumer could have.
        messages: all it holds.
        dead_lettering: rejected or expired messages whose dead-letter target has not confirmed them.
        acks: since the node started, or the figure's last reset.
        published: likewise.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    policy: str | None
    operator_policy: str | None
    effective: Mapping[str, Any] | None
    ready: int
    messages: int
    dead_lettering: int
    acks: int
    published: int

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """From an entry of `/api/queues`."""
        figures = item.get("message_stats") or {}
        arguments = item.get("arguments") or {}
        reported = "effective_policy_definition" in item
        return cls(
            name=item["name"],
            type=item.get("type") or arguments.get("x-queue-type", "classic"),
            arguments=arguments,
            policy=item.get("policy") or None,
            operator_policy=item.get("operator_policy") or None,
            # Some versions write an empty definition as a list.
            effective=dict(item["effective_policy_definition"] or {}) if reported else None,
            ready=item.get("messages_ready", 0),
            messages=item.get("messages", 0),
            dead_lettering=item.get("messages_dlx", 0),
            acks=figures.get("ack", 0),
            published=figures.get("publish", 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the checks judge.

    Attributes:
        vhost: that was looked at.
        topology: it should have.
        user_prefix: before the names of its users.
        asker: the administrator who asked.
        interval: seconds between the two looks at the queues.
        version: of the broker, as `3.10.8`.
        nodes: `/api/nodes`.
        users: names and their tags.
        rights: pairs of user and vhost.
        differences: from the topology.
        exchanges: by name, `/api/exchanges`.
        policies: definitions by name.
        operator_policies: definitions by name.
        consumers: how many a queue has.
        ackless: how many of these take messages without acknowledging them.
        alone: how many of these are on a connection that takes from no other queue.
        earlier: the queues at the first look.
        queues: the queues at the second.
    """

    vhost: str
    topology: Topology
    user_prefix: str
    asker: str
    interval: float
    version: str
    nodes: tuple[Mapping[str, Any], ...]
    users: Mapping[str, frozenset[str]]
    rights: frozenset[tuple[str, str]]
    differences: tuple[Difference, ...]
    exchanges: Mapping[str, Mapping[str, Any]]
    policies: Mapping[str, Mapping[str, Any]]
    operator_policies: Mapping[str, Mapping[str, Any]]
    consumers: Counter[str]
    ackless: Counter[str]
    alone: Counter[str]
    earlier: Mapping[str, QueueState]
    queues: Mapping[str, QueueState]


def read_snapshot(
    admin: BrokerAdmin,
    *,
    vhost: str,
    topology: Topology,
    user_prefix: str,
    interval: float,
    wait: Callable[[float], None],
) -> Snapshot:
    """Asks the broker everything; takes `interval` seconds, which `wait` lets pass.

    Raises:
        TopologyError: it does not answer, or not to this user.
    """
    version = admin.version()
    earlier = _queues(admin, vhost)
    wait(interval)
    consumers = [item for item in admin.get("consumers", vhost) if item.get("active", True)]
    return Snapshot(
        vhost=vhost,
        topology=topology.known_to(version_of(version)),
        user_prefix=user_prefix,
        asker=admin.user,
        interval=interval,
        version=version,
        nodes=tuple(admin.get("nodes")),
        users={item["name"]: _tags(item.get("tags")) for item in admin.get("users")},
        rights=frozenset((item["user"], item["vhost"]) for item in admin.get("permissions")),
        differences=tuple(find_differences(admin, vhost=vhost, topology=topology, user_prefix=user_prefix)),
        exchanges={item["name"]: item for item in admin.get("exchanges", vhost)},
        policies=_definitions(admin.get("policies", vhost)),
        operator_policies=_definitions(admin.get("operator-policies", vhost)),
        consumers=Counter(item["queue"]["name"] for item in consumers),
        ackless=Counter(item["queue"]["name"] for item in consumers if not item.get("ack_required", True)),
        alone=_alone(consumers),
        earlier=earlier,
        queues=_queues(admin, vhost),
    )


def _queues(admin: BrokerAdmin, vhost: str) -> dict[str, QueueState]:
    return {item["name"]: QueueState.of(item) for item in admin.get("queues", vhost)}


def _alone(consumers: list[dict[str, Any]]) -> Counter[str]:
    taken: dict[str, set[str]] = {}
    for item in consumers:
        worker = (item.get("channel_details") or {}).get("connection_name", "")
        if not item["queue"]["name"].endswith(_REMOTE_CONTROL):
            taken.setdefault(worker, set()).add(item["queue"]["name"])
    return Counter(next(iter(queues)) for queues in taken.values() if len(queues) == 1)


def _definitions(policies: list[dict[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {item["name"]: item.get("definition") or {} for item in policies}


def _tags(tags: Any) -> frozenset[str]:
    """A list, or before RabbitMQ 3.9 a text with commas."""
    words = tags.split(",") if isinstance(tags, str) else tags or ()
    return frozenset(word.strip() for word in words if word.strip())
