"""Brings a broker's virtual host into the form the topology describes. Idempotent; removes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from mail_contract.topology import QUEUE_ARGUMENTS, TOPOLOGY, VHOST
from mail_contract.vhost import Topology, version_of
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.definitions import exchange_arguments

DESCRIPTION = "Postern: letters from auth-service to mailer-service, and reports back"
"""What the console says of the virtual host; queues and policies have no place for words."""
FULL_RIGHTS = {"configure": ".*", "write": ".*", "read": ".*"}


def apply_topology(
    admin: BrokerAdmin,
    *,
    passwords: Mapping[str, str],
    vhost: str = VHOST,
    topology: Topology = TOPOLOGY,
    user_prefix: str = "",
) -> None:
    """Creates or updates vhost, policies, exchanges, queues, bindings, users and rights.

    Args:
        admin: logged in as an administrator, who gets full rights on the vhost.
        passwords: one for every user of the topology.
        vhost: to work in.
        topology: what to apply.
        user_prefix: put before the users' names, so that several vhosts of a test broker have users of their own.

    Raises:
        TopologyError: naming the object, for example a queue that exists with another type.
    """
    admin.put("vhosts", vhost, body={"default_queue_type": "quorum", "description": DESCRIPTION})
    admin.put("permissions", vhost, admin.user, body=FULL_RIGHTS)
    topology = topology.known_to(version_of(admin.version()))
    # Policies come first, so that no queue is ever without its limits.
    for policy in topology.policies:
        admin.put(
            "policies",
            vhost,
            policy.name,
            body={"pattern": policy.pattern, "definition": dict(policy.definition), "apply-to": "queues"},
        )
    for exchange in topology.exchanges:
        admin.put(
            "exchanges",
            vhost,
            exchange.name,
            body={"type": exchange.type, "durable": True, "arguments": exchange_arguments(exchange)},
        )
    for queue in topology.queues:
        admin.put("queues", vhost, queue, body={"durable": True, "arguments": dict(QUEUE_ARGUMENTS)})
    for binding in topology.bindings:
        admin.post(
            "bindings",
            vhost,
            "e",
            binding.exchange,
            "q",
            binding.queue,
            body={"routing_key": binding.routing_key, "arguments": {}},
        )
    for user in topology.users:
        name = user_prefix + user.name
        admin.put("users", name, body={"password": passwords[user.name], "tags": user.tags})
        rights = {"configure": user.configure, "write": user.write, "read": user.read}
        admin.put("permissions", vhost, name, body=rights)
