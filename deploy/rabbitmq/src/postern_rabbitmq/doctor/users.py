"""Checks who may do what: Postern's own users with their rights, one administrator, nobody else."""

from __future__ import annotations

from collections.abc import Iterator

from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.snapshot import Snapshot

_GUEST = "guest"
_ADMINISTRATOR = "administrator"


def guest(snapshot: Snapshot) -> Iterator[Finding]:
    """RabbitMQ's first user, whose password everybody knows."""
    if _GUEST in snapshot.users:
        yield Finding(
            code=Code.GUEST,
            severity=Severity.ERROR,
            object=_GUEST,
            sentence="there is a user guest, whose password is known to everybody",
            fix="rabbitmqctl delete_user guest",
        )


def administrators(snapshot: Snapshot) -> Iterator[Finding]:
    """More than one login that may do everything."""
    names = sorted(name for name, tags in snapshot.users.items() if _ADMINISTRATOR in tags)
    if len(names) > 1:
        yield Finding(
            code=Code.MANY_ADMINISTRATORS,
            severity=Severity.WARNING,
            object=", ".join(names),
            sentence=f"{len(names)} users are administrators: {', '.join(names)}",
            fix="keep one; for each other: rabbitmqctl set_user_tags NAME, or delete_user NAME",
        )


def service_users(snapshot: Snapshot) -> Iterator[Finding]:
    """Postern's users with other tags, or with rights on other virtual hosts; rights on this one are drift."""
    for user in snapshot.topology.users:
        name = snapshot.user_prefix + user.name
        tags, wanted = snapshot.users.get(name), frozenset(user.tags.split())
        if tags is not None and tags != wanted:
            yield Finding(
                code=Code.TAGS,
                severity=Severity.ERROR,
                object=name,
                sentence=f"user {name} has the tags {_words(tags)}, not {_words(wanted)}: they say what it may see and do"
                " in the console",
                fix="postern-topology apply",
            )
        for vhost in sorted(vhost for holder, vhost in snapshot.rights if holder == name):
            if vhost != snapshot.vhost:
                yield Finding(
                    code=Code.OTHER_VHOST,
                    severity=Severity.ERROR,
                    object=name,
                    sentence=f"user {name} has rights on vhost {vhost}, too",
                    fix=f"rabbitmqctl clear_permissions -p {vhost} {name}",
                )


def strangers(snapshot: Snapshot) -> Iterator[Finding]:
    """Rights on the virtual host of somebody who is neither a service nor an administrator."""
    known = {snapshot.user_prefix + user.name for user in snapshot.topology.users} | {snapshot.asker, _GUEST}
    for name in sorted(holder for holder, vhost in snapshot.rights if vhost == snapshot.vhost):
        if name not in known and _ADMINISTRATOR not in snapshot.users.get(name, ()):
            yield Finding(
                code=Code.STRANGER,
                severity=Severity.ERROR,
                object=name,
                sentence=f"user {name} has rights on vhost {snapshot.vhost} and is not part of the topology",
                fix=f"rabbitmqctl clear_permissions -p {snapshot.vhost} {name}",
            )


def _words(tags: frozenset[str]) -> str:
    return ", ".join(sorted(tags)) or "(none)"
