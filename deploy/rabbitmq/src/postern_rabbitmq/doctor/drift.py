"""Checks that the broker has what the topology says, no less, no more, nothing different."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from mail_contract.topology import QUEUE_ARGUMENTS
from postern_rabbitmq.difference import Deviation, Difference, ObjectKind
from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.snapshot import QueueState, Snapshot

APPLY = "postern-topology apply"

_LACK = {
    ObjectKind.EXCHANGE: "whoever publishes to it is refused",
    ObjectKind.QUEUE: "what is meant for it waits at its source or is lost",
    ObjectKind.POLICY: "its queues are without limits and dead letters",
    ObjectKind.BINDING: "messages with that key reach no queue",
    ObjectKind.RIGHTS: "the service cannot work",
}
_EXCESS = {
    ObjectKind.EXCHANGE: "nothing of Postern publishes to it",
    ObjectKind.QUEUE: "nothing of Postern reads it, so it may fill the disk",
    ObjectKind.POLICY: "it may take the place of one of the topology",
    ObjectKind.BINDING: "it copies or diverts messages",
    ObjectKind.RIGHTS: "it may do what only Postern may",
}


def drift(snapshot: Snapshot) -> Iterator[Finding]:
    """Every difference from the topology, except what `queue_types` and `alternates` say more clearly."""
    for difference in snapshot.differences:
        if difference.field == "arguments" and _said_elsewhere(snapshot, difference):
            continue
        yield judge_difference(difference, vhost=snapshot.vhost)


def queue_types(snapshot: Snapshot) -> Iterator[Finding]:
    """A queue that is not a quorum queue, or has arguments that no policy can change."""
    wanted = QUEUE_ARGUMENTS["x-queue-type"]
    for queue in _of_the_topology(snapshot):
        if queue.type != wanted:
            yield Finding(
                code=Code.WRONG_QUEUE_TYPE,
                severity=Severity.ERROR,
                object=queue.name,
                sentence=f"{queue.name} is a {queue.type} queue, not a {wanted} queue: a crash of the broker loses"
                " or repeats its messages",
                fix=_declare_anew(queue.name, snapshot.vhost),
            )
        own = {name: value for name, value in queue.arguments.items() if _overrides_policies(name)}
        if own:
            yield Finding(
                code=Code.OVERRIDING_ARGUMENT,
                severity=Severity.ERROR,
                object=queue.name,
                sentence=f"{queue.name} was declared with {own}, which no policy can change",
                fix=_declare_anew(queue.name, snapshot.vhost),
            )


def judge_difference(difference: Difference, *, vhost: str) -> Finding:
    """Says what follows from a difference and what helps; `apply` adds and changes, but removes nothing."""
    kind = difference.kind
    severity = Severity.ERROR
    match difference.deviation:
        case Deviation.MISSING:
            code, consequence, fix = Code.MISSING, _LACK[kind], APPLY
        case Deviation.FOREIGN:
            code, consequence, fix = Code.FOREIGN, _EXCESS[kind], _removal(difference, vhost)
            severity = Severity.ERROR if kind is ObjectKind.BINDING else Severity.WARNING
        case Deviation.CHANGED:
            code, consequence, fix = Code.CHANGED, "", _correction(difference, vhost)
        case _:
            assert_never(difference.deviation)
    return Finding(
        code=Code.RIGHTS if kind is ObjectKind.RIGHTS else code,
        severity=severity,
        object=difference.name,
        sentence=f"{difference.sentence}: {consequence}" if consequence else difference.sentence,
        fix=fix,
    )


def _removal(difference: Difference, vhost: str) -> str:
    name = difference.name
    match difference.kind:
        case ObjectKind.EXCHANGE:
            return f"see in the console who uses exchange {name}, then delete it there"
        case ObjectKind.QUEUE:
            return f"see in the console what is in it, then: rabbitmqctl delete_queue -p {vhost} {name}"
        case ObjectKind.POLICY:
            return f"rabbitmqctl clear_policy -p {vhost} {name}"
        case ObjectKind.BINDING:
            return f"unbind it in the console, on the page of exchange {name.split(' --')[0]}"
        case ObjectKind.RIGHTS:
            return f"rabbitmqctl clear_permissions -p {vhost} {name}"
        case _:
            assert_never(difference.kind)


def _correction(difference: Difference, vhost: str) -> str:
    match difference.kind:
        case ObjectKind.POLICY | ObjectKind.RIGHTS | ObjectKind.BINDING:
            return APPLY
        case ObjectKind.QUEUE:
            return _declare_anew(difference.name, vhost)
        case ObjectKind.EXCHANGE:
            return (
                f"an exchange cannot be changed: delete {difference.name} in the console, then at once {APPLY};"
                " what is published meanwhile is refused and comes again"
            )
        case _:
            assert_never(difference.kind)


def _declare_anew(queue: str, vhost: str) -> str:
    return (
        f"a queue cannot be changed: let its consumers empty {queue}, or move its messages with a shovel; then"
        f" rabbitmqctl delete_queue -p {vhost} --if-empty {queue}, and at once {APPLY}"
    )


def _said_elsewhere(snapshot: Snapshot, difference: Difference) -> bool:
    if difference.kind is ObjectKind.EXCHANGE:
        return True
    queue = snapshot.queues.get(difference.name)
    return queue is not None and queue.type != QUEUE_ARGUMENTS["x-queue-type"]


def _of_the_topology(snapshot: Snapshot) -> list[QueueState]:
    return [snapshot.queues[name] for name in snapshot.topology.queues if name in snapshot.queues]


def _overrides_policies(argument: str) -> bool:
    """Whether a policy could have set it; the type and where the replicas are cannot be."""
    return argument.startswith("x-") and not argument.startswith(
        ("x-queue-type", "x-queue-leader", "x-quorum-")
    )
