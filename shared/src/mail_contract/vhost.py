"""The kinds of objects a RabbitMQ virtual host holds, as the topology describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
    """Settings of the queues whose name matches; RabbitMQ applies one policy a queue, so patterns do not overlap."""

    name: str
    pattern: str
    definition: Mapping[str, str | int]


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
