"""Checks that messages move: consumers, acknowledgements, dead letters, what had no queue."""

from __future__ import annotations

from collections.abc import Iterator

from mail_contract.topology import (
    AUTH_MAINTENANCE,
    AUTH_REPORTS,
    AUTH_REPORTS_DEAD,
    CLASS_QUEUES,
    MAILER_CANCELLATIONS,
    MAILER_DEAD,
    MAILER_URGENT,
    MAILER_WORK,
    UNROUTABLE,
)
from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.snapshot import Snapshot

CONSUMED = (*MAILER_WORK, AUTH_REPORTS, AUTH_MAINTENANCE)
"""Queues with a worker; the others are read by nobody (waits) or by a person (dead letters, unroutable)."""

_LETTERS = frozenset(CLASS_QUEUES.values())
_DEAD = {
    MAILER_DEAD: "mailer-service dead list; then mailer-service dead redrive or dead drop",
    AUTH_REPORTS_DEAD: "find the error in the log of `auth-service worker` and repair it; then move the messages to"
    f" {AUTH_REPORTS} with a shovel, a repeated report does no harm",
}


def consumers(snapshot: Snapshot) -> Iterator[Finding]:
    """Work queues nobody consumes, and consumers that lose a message when they crash."""
    paused = _paused(snapshot)
    for name in CONSUMED:
        queue = snapshot.queues.get(name)
        if queue is not None and not (paused and name in _LETTERS) and not snapshot.consumers[name]:
            yield Finding(
                code=Code.NO_CONSUMER,
                severity=Severity.ERROR,
                object=name,
                sentence=f"nobody consumes {name}; {_messages(queue.messages)} in it",
                fix=_worker_of(name),
            )
        if snapshot.ackless[name]:
            yield Finding(
                code=Code.CONSUMER_WITHOUT_ACK,
                severity=Severity.ERROR,
                object=name,
                sentence=f"{snapshot.ackless[name]} of {snapshot.consumers[name]} consumers take from {name} without"
                " acknowledging: what they hold when they crash is lost",
                fix="find it in the console among the queue's consumers and stop it; only Postern's workers belong there",
            )


def paused(snapshot: Snapshot) -> Iterator[Finding]:
    """Mailers that run and take no letters: no provider takes any, or an operator paused or held them."""
    if _paused(snapshot):
        waiting = sum(snapshot.queues[name].messages for name in _LETTERS if name in snapshot.queues)
        yield Finding(
            code=Code.PAUSED,
            severity=Severity.ERROR,
            object=MAILER_CANCELLATIONS,
            sentence=f"the mailers are paused: they run, and take no letters; {_messages(waiting)} in their queues. More"
            " replicas would not help",
            fix="their log says which provider was given up and why (provider_given_up); mend that, and they go on by themselves",
        )


def _paused(snapshot: Snapshot) -> bool:
    return snapshot.consumers[MAILER_CANCELLATIONS] > 0 and not any(
        snapshot.consumers[name] for name in _LETTERS
    )


def urgent_alone(snapshot: Snapshot) -> Iterator[Finding]:
    """Urgent letters without a worker of their own: one on several queues takes from each in turn."""
    if snapshot.consumers[MAILER_URGENT] and not snapshot.alone[MAILER_URGENT]:
        yield Finding(
            code=Code.URGENT_NOT_ALONE,
            severity=Severity.WARNING,
            object=MAILER_URGENT,
            sentence=f"every worker of {MAILER_URGENT} takes from other queues as well: a flood of bulk letters, or slow"
            " recipients of theirs, delays urgent ones",
            fix=f"start one `mailer-service worker` with MAILER_QUEUES={MAILER_URGENT}",
        )


def progress(snapshot: Snapshot) -> Iterator[Finding]:
    """Queues whose consumers acknowledge nothing though messages are ready, and dead-lettering without confirms."""
    for name in snapshot.topology.queues:
        queue, earlier = snapshot.queues.get(name), snapshot.earlier.get(name)
        if queue is None or earlier is None:
            continue
        waited = name in CONSUMED and queue.ready and earlier.ready and snapshot.consumers[name]
        # Rejected messages leave without an ack, so a queue that gets shorter is not stuck.
        if waited and queue.acks == earlier.acks and queue.messages >= earlier.messages:
            yield Finding(
                code=Code.STUCK,
                severity=Severity.ERROR,
                object=name,
                sentence=f"{name} is stuck: {_messages(queue.ready)} ready, {snapshot.consumers[name]} consumers, nothing"
                f" acknowledged in {snapshot.interval:g} s",
                fix="read the workers' log for what they wait for (database, mail server); ask again with a longer"
                " --interval; restart a worker that does not move, what it holds goes to another",
            )
        if queue.dead_lettering and earlier.dead_lettering and queue.dead_lettering >= earlier.dead_lettering:
            yield Finding(
                code=Code.DEAD_LETTERING_STUCK,
                severity=Severity.ERROR,
                object=name,
                sentence=f"{_messages(queue.dead_lettering)} of {name} wait for their dead-letter target, which does not"
                " confirm them",
                fix="repair what is said under topology (exchange, binding) or empty the full target queue; they then go"
                " on by themselves, within minutes",
            )


def dead_letters(snapshot: Snapshot) -> Iterator[Finding]:
    """Dead letters there are, and worse, dead letters that become more."""
    for name, fix in _DEAD.items():
        queue = snapshot.queues.get(name)
        earlier = snapshot.earlier.get(name, queue)
        if queue is None or earlier is None:
            continue
        # At-least-once dead-lettering moves no counter, and a redrive hides new ones in the length: so both.
        more = max(queue.messages - earlier.messages, queue.published - earlier.published)
        if more > 0:
            yield Finding(
                code=Code.DEAD_LETTERS_GROWING,
                severity=Severity.ERROR,
                object=name,
                sentence=f"{name} is growing: {more} more in {snapshot.interval:g} s, {queue.messages} in all",
                fix=fix,
            )
        elif queue.messages:
            yield Finding(
                code=Code.DEAD_LETTERS,
                severity=Severity.WARNING,
                object=name,
                sentence=f"{_messages(queue.messages)} in {name}",
                fix=fix,
            )


def unroutable(snapshot: Snapshot) -> Iterator[Finding]:
    """Messages that had no queue when they were published."""
    queue = snapshot.queues.get(UNROUTABLE)
    if queue is not None and queue.messages:
        yield Finding(
            code=Code.UNROUTABLE,
            severity=Severity.ERROR,
            object=UNROUTABLE,
            sentence=f"{_messages(queue.messages)} in {UNROUTABLE}: reports or scheduled work for which no queue was bound",
            fix="postern-topology apply, then move them with a shovel to the queue named by each one's routing key",
        )


def _worker_of(queue: str) -> str:
    if queue in {AUTH_REPORTS, AUTH_MAINTENANCE}:
        return "start `auth-service worker`; if it runs, its log says what it waits for"
    return (
        "start `mailer-service worker` with this queue in MAILER_QUEUES, or make scale mailer=2; if it runs, its log says"
        " what it waits for"
    )


def _messages(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"
