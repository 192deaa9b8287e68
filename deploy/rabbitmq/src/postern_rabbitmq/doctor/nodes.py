"""Checks the broker itself: its version, its plugins, its alarms, its nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.snapshot import Snapshot

OLDEST = (3, 10)
"""At-least-once dead-lettering and the TTL of quorum queues came with it."""
_RECOMMENDED = (4, 3, 3)
_ASKING_FOR_MORE_RIGHTS = ((4, 2, 6), (4, 3, 0))
PLUGINS = ("rabbitmq_management", "rabbitmq_prometheus")

_BLOCKED = "publishers are blocked, letters wait in the outbox"


def version(snapshot: Snapshot) -> Iterator[Finding]:
    """Too old, not among those Postern is tested with (3.10 and 4.x), or with a defect that matters here."""
    number = tuple(int(part) for part in re.findall(r"\d+", snapshot.version)[:3])
    why = _why_not(number, members=len(snapshot.nodes))
    if why is not None:
        yield Finding(
            code=Code.VERSION,
            severity=Severity.ERROR if number and number < OLDEST else Severity.WARNING,
            object="broker",
            sentence=f"RabbitMQ {snapshot.version or 'of unknown version'}: {why}",
            fix=f"install RabbitMQ {'.'.join(map(str, _RECOMMENDED))} or a newer 4.3",
        )


def _why_not(number: tuple[int, ...], *, members: int) -> str | None:
    if number and number < OLDEST:
        return "it lacks what keeps letters from being lost"
    if number[:2] == OLDEST:
        return "it is a floor for development, and nobody mends it any more"
    if number[:1] != (4,):
        return "Postern is tested with 3.10 and 4.x"
    if number in _ASKING_FOR_MORE_RIGHTS:
        return "it asks for a right to make queues where only their length is asked, so `mailer-service dead` is refused"
    if number < _RECOMMENDED and members > 1:
        return "after a change of the cluster's members, dead-lettering may stand still until its queue is restarted"
    return None


def nodes(snapshot: Snapshot) -> Iterator[Finding]:
    """Nodes that are down, apart, or without a plugin."""
    for node in snapshot.nodes:
        name = str(node.get("name"))
        if not node.get("running", True):
            yield Finding(
                code=Code.NODE_DOWN,
                severity=Severity.ERROR,
                object=name,
                sentence=f"node {name} is down: queues have fewer replicas, without a majority they stand still",
                fix="start it; its log says why it went",
            )
            continue
        if node.get("partitions"):
            yield Finding(
                code=Code.PARTITION,
                severity=Severity.ERROR,
                object=name,
                sentence=f"node {name} does not see {', '.join(map(str, node['partitions']))}",
                fix="repair the network between them, then restart the nodes of the smaller side",
            )
        enabled = node.get("enabled_plugins", PLUGINS)
        for plugin in PLUGINS:
            if plugin not in enabled:
                yield Finding(
                    code=Code.PLUGIN_MISSING,
                    severity=Severity.WARNING,
                    object=name,
                    sentence=f"node {name} runs without {plugin}: depth and age of its queues are not measured",
                    fix=f"rabbitmq-plugins enable {plugin}",
                )


def alarms(snapshot: Snapshot) -> Iterator[Finding]:
    """Memory or disk running out: RabbitMQ then reads nothing from anybody who publishes."""
    for node in snapshot.nodes:
        name = str(node.get("name"))
        if node.get("mem_alarm"):
            yield Finding(
                code=Code.MEMORY_ALARM,
                severity=Severity.ERROR,
                object=name,
                sentence=f"memory alarm on {name} ({_figures(node, 'mem_used', 'mem_limit')}): {_BLOCKED}",
                fix="let consumers drain the queues, give the node more memory, or raise vm_memory_high_watermark",
            )
        if node.get("disk_free_alarm"):
            yield Finding(
                code=Code.DISK_ALARM,
                severity=Severity.ERROR,
                object=name,
                sentence=f"disk alarm on {name} ({_figures(node, 'disk_free', 'disk_free_limit')}): {_BLOCKED}",
                fix="free space on the disk of the node's data; the alarm ends by itself",
            )


def _figures(node: Mapping[str, Any], actual: str, limit: str) -> str:
    return ", ".join(
        f"{key} {node[key] / 1e6:,.0f} MB"
        for key in (actual, limit)
        if isinstance(node.get(key), int | float)
    )
