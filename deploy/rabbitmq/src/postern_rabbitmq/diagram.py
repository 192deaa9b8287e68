"""The topology as a Mermaid diagram for `docs/topology.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mail_contract.vhost import Topology

_ADDING_A_CLASS = """
## Adding a class

A class of letters is a queue, a binding, a place in the policy and in the mailer's rights, a rank in the outbox and a lead
where a provider's rate is limited. All of it follows from:

1. [classes.py](../shared/src/mail_contract/classes.py): its name, where it stands between the others, and its lead;
2. [definitions.json](../deploy/rabbitmq/definitions.json), by `make generated`;
3. [this page](topology.md), likewise.

Then apply the topology before the services of the new release start. Workers take from every queue unless `MAILER_QUEUES`
says otherwise; [on Kubernetes](kubernetes.md) each class has mailers and a scaler of its own, and a test asks for them. No migration: the
databases know classes by the shape of their names only, and rows that are in the outbox keep the rank they were written with.
"""


def diagram(topology: Topology) -> str:
    """Returns the Markdown page: exchanges, queues, bindings and the ways of dead letters."""
    return "\n".join(_lines(topology)) + "\n"


def _lines(topology: Topology) -> Iterator[str]:
    yield "# What is on the broker"
    yield ""
    yield "Generated from `shared/src/mail_contract/topology.py` by `make generated`; a test keeps it in step."
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
    yield from _ADDING_A_CLASS.splitlines()


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
