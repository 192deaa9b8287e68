"""Checks the alternate exchanges in effect: there where a publisher may let go, absent where letters are held."""

from __future__ import annotations

from collections.abc import Iterator

from postern_rabbitmq.doctor.drift import APPLY
from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.snapshot import Snapshot

_KEY = "alternate-exchange"


def alternates(snapshot: Snapshot) -> Iterator[Finding]:
    """An alternate that is missing, another one, or one too many; given as argument or by a policy, the argument wins."""
    for exchange in snapshot.topology.exchanges:
        found = snapshot.exchanges.get(exchange.name)
        if found is None:
            continue
        argument = (found.get("arguments") or {}).get(_KEY)
        policy = found.get("policy") or ""
        effective = argument or snapshot.policies.get(policy, {}).get(_KEY)
        if effective == exchange.alternate:
            continue
        name = exchange.name
        recreate = f"delete exchange {name} in the console, then at once {APPLY}"
        by_policy = f"rabbitmqctl clear_policy -p {snapshot.vhost} {policy}"
        if exchange.alternate is None:
            yield Finding(
                code=Code.UNWANTED_ALTERNATE,
                severity=Severity.ERROR,
                object=name,
                sentence=f"exchange {name} has the alternate {effective}: a missing binding looks like success, and"
                " letters strand there",
                fix=recreate if argument else by_policy,
            )
        else:
            yield Finding(
                code=Code.NO_ALTERNATE,
                severity=Severity.ERROR,
                object=name,
                sentence=f"exchange {name} has {f'the alternate {effective}' if effective else 'no alternate'}, not"
                f" {exchange.alternate}: what has no queue is not kept there",
                fix=recreate,
            )
