"""The topology as RabbitMQ's definitions file, without users: passwords do not belong in a file under version control."""

from __future__ import annotations

import json
from typing import Any

from mail_contract.topology import QUEUE_ARGUMENTS, VHOST
from mail_contract.vhost import Exchange, Topology


def exchange_arguments(exchange: Exchange) -> dict[str, str]:
    """Returns the arguments an exchange is declared with."""
    return {"alternate-exchange": exchange.alternate} if exchange.alternate else {}


def definitions(topology: Topology, vhost: str = VHOST) -> dict[str, Any]:
    """Returns what `rabbitmqctl import_definitions` and the console's upload take."""
    return {
        "vhosts": [{"name": vhost}],
        "policies": [
            {
                "vhost": vhost,
                "name": policy.name,
                "pattern": policy.pattern,
                "apply-to": "queues",
                "definition": dict(policy.definition),
                "priority": 0,
            }
            for policy in topology.policies
        ],
        "exchanges": [
            {
                "vhost": vhost,
                "name": exchange.name,
                "type": exchange.type,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": exchange_arguments(exchange),
            }
            for exchange in topology.exchanges
        ],
        "queues": [
            {
                "vhost": vhost,
                "name": queue,
                "durable": True,
                "auto_delete": False,
                "arguments": dict(QUEUE_ARGUMENTS),
            }
            for queue in topology.queues
        ],
        "bindings": [
            {
                "vhost": vhost,
                "source": binding.exchange,
                "destination": binding.queue,
                "destination_type": "queue",
                "routing_key": binding.routing_key,
                "arguments": {},
            }
            for binding in topology.bindings
        ],
    }


def as_text(topology: Topology) -> str:
    """Returns the definitions file's text."""
    return json.dumps(definitions(topology), indent=2) + "\n"
