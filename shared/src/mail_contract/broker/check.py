"""Compares a broker's virtual host with the topology and says every difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mail_contract.broker.admin import BrokerAdmin
from mail_contract.broker.definitions import definitions
from mail_contract.topology import MAILER_EVENTS, TOPOLOGY, VHOST, Topology

_OF_CELERY = (MAILER_EVENTS, "reply.mailer.pidbox", "mailer.pidbox")


def check_topology(
    admin: BrokerAdmin, *, vhost: str = VHOST, topology: Topology = TOPOLOGY, user_prefix: str = ""
) -> list[str]:
    """Returns one sentence a difference: what is missing, what is different, what nobody asked for.

    Celery's own event and control objects belong to the workers and are left out. Raises TopologyError where the broker
    cannot be asked.
    """
    wanted = definitions(topology, vhost)
    differences: list[str] = []
    for kind, singular in (("exchanges", "exchange"), ("queues", "queue"), ("policies", "policy")):
        found = {item["name"]: item for item in admin.get(kind, vhost) if not _foreign(kind, item)}
        differences += _compare(singular, {item["name"]: item for item in wanted[kind]}, found)
    differences += _compare_bindings(admin, vhost, wanted["bindings"])
    rights = {item["user"]: item for item in admin.get("vhosts", vhost, "permissions")}
    for user in topology.users:
        name = user_prefix + user.name
        expected = {"configure": user.configure, "write": user.write, "read": user.read}
        differences += _compare(
            "rights of user", {name: expected}, {name: rights[name]} if name in rights else {}
        )
    return differences


def _compare(kind: str, wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for name in wanted.keys() - found.keys():
        yield f"{kind} {name} is missing"
    for name in found.keys() - wanted.keys():
        yield f"{kind} {name} is not part of the topology"
    for name in wanted.keys() & found.keys():
        for field, value in wanted[name].items():
            actual = found[name].get(field)
            # RabbitMQ reports a quorum queue's default arguments back; only what was asked for must be there.
            same = value.items() <= (actual or {}).items() if isinstance(value, dict) else value == actual
            if not same:
                yield f"{kind} {name}: {field} is {actual!r}, not {value!r}"


def _compare_bindings(admin: BrokerAdmin, vhost: str, wanted: list[dict[str, Any]]) -> Iterator[str]:
    def key(item: dict[str, Any]) -> tuple[str, str, str]:
        return item["source"], item["routing_key"], item["destination"]

    found = {
        key(item) for item in admin.get("bindings", vhost) if item["source"] and not _celerys(item["source"])
    }
    expected = {key(item) for item in wanted}
    for source, routing_key, destination in expected - found:
        yield f"binding {source} --{routing_key}--> {destination} is missing"
    for source, routing_key, destination in found - expected:
        yield f"binding {source} --{routing_key}--> {destination} is not part of the topology"


def _foreign(kind: str, item: dict[str, Any]) -> bool:
    name = item["name"]
    built_in = kind == "exchanges" and (not name or name.startswith("amq."))
    return built_in or _celerys(name)


def _celerys(name: str) -> bool:
    return name.startswith(_OF_CELERY) or name.endswith(".mailer.pidbox")
