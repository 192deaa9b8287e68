"""Compares a broker's virtual host with the topology and says every difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mail_contract.topology import MAILER_EVENTS, TOPOLOGY, VHOST
from mail_contract.vhost import Topology, version_of
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.definitions import definitions
from postern_rabbitmq.difference import Deviation, Difference, ObjectKind

_OF_CELERY = (MAILER_EVENTS, "reply.mailer.pidbox", "mailer.pidbox")


def check_topology(
    admin: BrokerAdmin, *, vhost: str = VHOST, topology: Topology = TOPOLOGY, user_prefix: str = ""
) -> list[str]:
    """Returns one sentence a difference: what is missing, what is different, what nobody asked for.

    Celery's own event and control objects belong to the workers and are left out. Raises TopologyError where the broker
    cannot be asked.
    """
    found = find_differences(admin, vhost=vhost, topology=topology, user_prefix=user_prefix)
    return [difference.sentence for difference in found]


def find_differences(
    admin: BrokerAdmin, *, vhost: str = VHOST, topology: Topology = TOPOLOGY, user_prefix: str = ""
) -> list[Difference]:
    """Returns what `check_topology` says, as data; raises TopologyError where the broker cannot be asked."""
    wanted = definitions(topology.known_to(version_of(admin.version())), vhost)
    differences: list[Difference] = []
    kinds = (
        ("exchanges", ObjectKind.EXCHANGE),
        ("queues", ObjectKind.QUEUE),
        ("policies", ObjectKind.POLICY),
    )
    for collection, kind in kinds:
        found = {item["name"]: item for item in admin.get(collection, vhost) if not _foreign(kind, item)}
        differences += _compare(kind, {item["name"]: item for item in wanted[collection]}, found)
    differences += _compare_bindings(admin, vhost, wanted["bindings"])
    rights = {item["user"]: item for item in admin.get("vhosts", vhost, "permissions")}
    for user in topology.users:
        name = user_prefix + user.name
        expected = {"configure": user.configure, "write": user.write, "read": user.read}
        actual = {name: rights[name]} if name in rights else {}
        differences += _compare(ObjectKind.RIGHTS, {name: expected}, actual)
    return differences


def _compare(kind: ObjectKind, wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[Difference]:
    for name in sorted(wanted.keys() - found.keys()):
        yield Difference(kind=kind, name=name, deviation=Deviation.MISSING)
    for name in sorted(found.keys() - wanted.keys()):
        yield Difference(kind=kind, name=name, deviation=Deviation.FOREIGN)
    for name in sorted(wanted.keys() & found.keys()):
        for field, value in wanted[name].items():
            actual = found[name].get(field)
            # RabbitMQ reports a quorum queue's default arguments back; only what was asked for must be there.
            same = value.items() <= (actual or {}).items() if isinstance(value, dict) else value == actual
            if not same:
                yield Difference(
                    kind=kind,
                    name=name,
                    deviation=Deviation.CHANGED,
                    field=field,
                    actual=actual,
                    wanted=value,
                )


def _compare_bindings(admin: BrokerAdmin, vhost: str, wanted: list[dict[str, Any]]) -> Iterator[Difference]:
    found = {
        _words(item)
        for item in admin.get("bindings", vhost)
        if item["source"] and not _celerys(item["source"])
    }
    expected = {_words(item) for item in wanted}
    for name in sorted(expected - found):
        yield Difference(kind=ObjectKind.BINDING, name=name, deviation=Deviation.MISSING)
    for name in sorted(found - expected):
        yield Difference(kind=ObjectKind.BINDING, name=name, deviation=Deviation.FOREIGN)


def _words(binding: dict[str, Any]) -> str:
    return f"{binding['source']} --{binding['routing_key']}--> {binding['destination']}"


def _foreign(kind: ObjectKind, item: dict[str, Any]) -> bool:
    name = item["name"]
    built_in = kind is ObjectKind.EXCHANGE and (not name or name.startswith("amq."))
    return built_in or _celerys(name)


def _celerys(name: str) -> bool:
    return name.startswith(_OF_CELERY) or name.endswith(".mailer.pidbox")
