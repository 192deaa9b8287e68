"""A broker on which the doctor finds nothing, as data, to change one thing in."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mail_contract.topology import MAILER_URGENT, QUEUE_ARGUMENTS, TOPOLOGY, VHOST
from postern_rabbitmq.doctor.queues import CONSUMED
from postern_rabbitmq.doctor.snapshot import QueueState, Snapshot


def healthy() -> Snapshot:
    queues = {name: _queue(name) for name in TOPOLOGY.queues}
    users = {user.name: frozenset(user.tags.split()) for user in TOPOLOGY.users}
    return Snapshot(
        vhost=VHOST,
        topology=TOPOLOGY,
        user_prefix="",
        asker="admin",
        interval=6.0,
        version="4.0.5",
        nodes=({"name": "a@host", "running": True, "partitions": []},),
        users={**users, "admin": frozenset({"administrator"})},
        rights=frozenset((name, VHOST) for name in (*users, "admin")),
        differences=(),
        exchanges={
            exchange.name: {
                "name": exchange.name,
                "arguments": {"alternate-exchange": exchange.alternate} if exchange.alternate else {},
            }
            for exchange in TOPOLOGY.exchanges
        },
        policies={policy.name: dict(policy.definition) for policy in TOPOLOGY.policies},
        operator_policies={},
        consumers=Counter(CONSUMED),
        ackless=Counter(),
        alone=Counter([MAILER_URGENT]),
        earlier=queues,
        queues=queues,
    )


def with_queue(snapshot: Snapshot, name: str, **changes: Any) -> Snapshot:
    """The same, with one queue different at the second look."""
    changed: Mapping[str, QueueState] = {
        **snapshot.queues,
        name: replace(snapshot.queues[name], **changes),
    }
    return replace(snapshot, queues=changed)


def with_queue_all_along(snapshot: Snapshot, name: str, **changes: Any) -> Snapshot:
    """The same, with one queue different at both looks."""
    changed = with_queue(snapshot, name, **changes)
    return replace(changed, earlier={**snapshot.earlier, name: changed.queues[name]})


def _queue(name: str) -> QueueState:
    (policy,) = [policy for policy in TOPOLOGY.policies if re.search(policy.pattern, name)]
    return QueueState(
        name=name,
        type="quorum",
        arguments=dict(QUEUE_ARGUMENTS),
        policy=policy.name,
        operator_policy=None,
        effective=dict(policy.definition),
        ready=0,
        messages=0,
        dead_lettering=0,
        acks=0,
        published=0,
    )
