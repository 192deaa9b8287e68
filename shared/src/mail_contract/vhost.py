"""The kinds of objects a RabbitMQ virtual host holds, as the topology describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Version = tuple[int, ...]
"""Major and minor, as (4, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A durable exchange; `alternate` names the exchange that takes what has no queue."""

    name: str
    type: str
    alternate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Messages of the exchange whose key matches go to the queue."""

    exchange: str
    queue: str
    routing_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Settings of the queues whose name matches; RabbitMQ applies one policy a queue, so patterns do not overlap.

    Attributes:
        definition: what every version understands.
        newer: further settings, by the version that knows them first; an older one refuses the whole policy for them.
    """

    name: str
    pattern: str
    definition: Mapping[str, str | int]
    newer: Mapping[Version, Mapping[str, str | int]] = field(default_factory=dict)

    def known_to(self, version: Version) -> Policy:
        """Returns the policy as a broker of the version takes it."""
        definition = dict(self.definition)
        for since, settings in self.newer.items():
            if since <= version:
                definition |= settings
        return replace(self, definition=definition, newer={})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A login of the vhost with its rights, three regular expressions over names of objects."""

    name: str
    configure: str
    write: str
    read: str
    tags: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All objects of the vhost."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[str, ...]
    bindings: tuple[Binding, ...]
    policies: tuple[Policy, ...]
    users: tuple[User, ...]

    def known_to(self, version: Version) -> Topology:
        """Returns the topology as a broker of the version takes it."""
        return replace(self, policies=tuple(policy.known_to(version) for policy in self.policies))


def version_of(words: str) -> Version:
    """Returns major and minor of a version such as `4.3.6-rc.1`; nothing, as good as the oldest, where it says none."""
    return tuple(int(part) for part in re.findall(r"\d+", words)[:2])
