"""Checks that every queue's policy is in effect: the dead-letter exchange above all, then the limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mail_contract.vhost import Policy
from postern_rabbitmq.doctor.drift import APPLY
from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.snapshot import QueueState, Snapshot

_EXCHANGE = "dead-letter-exchange"


def policies_in_effect(snapshot: Snapshot) -> Iterator[Finding]:
    """Compares what is in effect, operator policies included, with the topology's policy of each queue.

    Asking for the policies is not enough: one with a higher priority takes the place of ours, and an operator policy
    tightens every limit it names.
    """
    for name in snapshot.topology.queues:
        queue = snapshot.queues.get(name)
        wanted = _policy_of(name, snapshot.topology.policies)
        if queue is None or wanted is None:
            continue
        if queue.effective is None:
            yield Finding(
                code=Code.NOT_REPORTED,
                severity=Severity.WARNING,
                object=name,
                sentence=f"the broker has no figures of {name} yet, so its policy and messages are unknown",
                fix="ask again in some seconds; if it stays, see in the console whether the queue's node runs",
            )
            continue
        deviations = deviating(wanted.definition, queue.effective)
        if _EXCHANGE in wanted.definition and _EXCHANGE not in queue.effective:
            deviations.pop(_EXCHANGE)
            yield Finding(
                code=Code.NO_DEAD_LETTERS,
                severity=Severity.ERROR,
                object=name,
                sentence=f"{name} has no dead-letter exchange in effect: what is rejected or expires there is lost",
                fix=_remedy(queue, wanted, snapshot, _EXCHANGE),
            )
        yield from _judge_limits(queue, wanted, snapshot, deviations)


def deviating(wanted: Mapping[str, Any], effective: Mapping[str, Any]) -> dict[str, str]:
    """Returns in words what is in effect instead of what is wanted, by key; empty where they are the same."""
    missing = object()
    keys = sorted(wanted.keys() | effective.keys())
    return {
        key: f"{key} is {effective.get(key, 'not set')}, not {wanted.get(key, 'unset')}"
        for key in keys
        if wanted.get(key, missing) != effective.get(key, missing)
    }


def _judge_limits(
    queue: QueueState, wanted: Policy, snapshot: Snapshot, deviations: Mapping[str, str]
) -> Iterator[Finding]:
    of_operator = snapshot.operator_policies.get(queue.operator_policy or "", {})
    by_operator = [words for key, words in deviations.items() if key in of_operator]
    others = {key: words for key, words in deviations.items() if key not in of_operator}
    if by_operator:
        yield Finding(
            code=Code.OPERATOR_POLICY,
            severity=Severity.ERROR,
            object=queue.name,
            sentence=f"operator policy {queue.operator_policy} overrides {queue.name}: {', '.join(by_operator)}",
            fix=f"rabbitmqctl clear_operator_policy -p {snapshot.vhost} {queue.operator_policy}",
        )
    if others:
        yield Finding(
            code=Code.POLICY_NOT_IN_EFFECT,
            severity=Severity.ERROR,
            object=queue.name,
            sentence=f"policy {wanted.name} is not in effect on {queue.name}: {', '.join(others.values())}",
            fix=_remedy(queue, wanted, snapshot, *others),
        )


def _remedy(queue: QueueState, wanted: Policy, snapshot: Snapshot, *keys: str) -> str:
    if queue.policy not in {None, wanted.name}:
        return (
            f"policy {queue.policy} takes the place of {wanted.name}:"
            f" rabbitmqctl clear_policy -p {snapshot.vhost} {queue.policy}; then {APPLY}"
        )
    if wanted.name in snapshot.policies and not deviating(
        {key: value for key, value in wanted.definition.items() if key in keys},
        {key: value for key, value in snapshot.policies[wanted.name].items() if key in keys},
    ):
        return f"the policy is there but not in effect yet: ask again in some seconds, else {APPLY}"
    return APPLY


def _policy_of(queue: str, policies: tuple[Policy, ...]) -> Policy | None:
    return next((policy for policy in policies if re.search(policy.pattern, queue)), None)
