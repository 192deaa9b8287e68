"""The topology as a Mermaid diagram for `docs/topology.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mail_contract.vhost import Topology


def diagram(topology: Topology) -> str:
    """Returns the Markdown page: exchanges, queues, bindings and the ways of dead letters."""
    return "\n".join(_lines(topology)) + "\n"


def _lines(topology: Topology) -> Iterator[str]:
    yield "# What is on the broker"
    yield ""
    yield "Generated from `shared/src/mail_contract/topology.py` by `postern-topology diagram`; a test keeps it in step."
    yield ""
    yield "```mermaid"
    yield "flowchart LR"
    for exchange in topology.exchanges:
        yield f'  {_id("x", exchange.name)}{{{{"{exchange.name} ({exchange.type})"}}}}'
    for queue in topology.queues:
        yield f'  {_id("q", queue)}[("{queue}")]'
    for binding in topology.bindings:
        label = f'|"{binding.routing_key}"|' if binding.routing_key else ""
        yield f"  {_id('x', binding.exchange)} -->{label} {_id('q', binding.queue)}"
    for exchange in topology.exchanges:
        if exchange.alternate:
            yield f'  {_id("x", exchange.name)} -.->|"no queue"| {_id("x", exchange.alternate)}'
    for policy in topology.policies:
        yield from _dead_letter_ways(topology, policy.pattern, policy.definition)
    yield "```"
    yield ""
    yield "| policy | queues | definition |"
    yield "|---|---|---|"
    for policy in topology.policies:
        cells = [_settings(policy.definition)]
        for since, settings in policy.newer.items():
            cells.append(f"from {'.'.join(map(str, since))} also {_settings(settings)}")
        yield f"| {policy.name} | `{policy.pattern.replace('|', chr(92) + '|')}` | {'; '.join(cells)} |"
    yield ""
    yield "| user | configure | write | read |"
    yield "|---|---|---|---|"
    for user in topology.users:
        rights = (right.replace("|", "\\|") for right in (user.configure, user.write, user.read))
        yield f"| {user.name} | " + " | ".join(f"`{cell}`" for cell in rights) + " |"


def _settings(definition: Mapping[str, str | int]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(definition.items()))


def _dead_letter_ways(topology: Topology, pattern: str, definition: object) -> Iterator[str]:
    if not isinstance(definition, dict) or "dead-letter-exchange" not in definition:
        return
    label = "after its TTL" if "message-ttl" in definition else "rejected"
    for queue in topology.queues:
        if re.search(pattern, queue):
            yield f'  {_id("q", queue)} -.->|"{label}"| {_id("x", definition["dead-letter-exchange"])}'


def _id(kind: str, name: str) -> str:
    return f"{kind}_{name.replace('.', '_')}"
