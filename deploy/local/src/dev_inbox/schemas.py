"""The JSON of the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dev_inbox.mailbox import Message
from dev_inbox.parts import read_parts, read_source
from dev_inbox.script import Action, BadRule, Extension, Phase, Rule
from dev_inbox.state import Connection, Connections

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


class BadScript(Exception):
    """A script cannot be understood; the text names places and faults, but no value."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MatchBody(_Body):
    """When a rule is played."""

    phase: Phase
    recipient: str | None = None
    after_messages: int = Field(default=0, ge=0)
    every: int = Field(default=1, ge=1)


class RuleBody(_Body):
    """A rule as JSON; see `script.Rule` for the meaning of each field."""

    match: MatchBody
    reply: str | None = Field(default=None, min_length=1)
    without: frozenset[Extension] = frozenset()
    delay_seconds: Seconds = 0.0
    byte_seconds: Seconds = 0.0
    action: Action | None = None
    times: int | None = Field(default=None, ge=1)
    store: bool | None = None

    def to_rule(self) -> Rule:
        """Returns the rule; raises BadRule."""
        fields = {name: getattr(self, name) for name in RuleBody.model_fields if name != "match"}
        return Rule(**self.match.model_dump(), **fields)


_RULES = TypeAdapter(list[RuleBody])


def read_rules(body: bytes) -> list[Rule]:
    """Reads a script; raises BadScript naming place and fault, but no value."""
    try:
        return [rule.to_rule() for rule in _RULES.validate_json(body)]
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise BadScript("; ".join(faults)) from error
    except BadRule as error:
        raise BadScript(str(error)) from error


def rule_json(rule: Rule, played: int) -> dict[str, Any]:
    """Returns a rule as it was put in force, with how often it was played."""
    return {
        "match": {name: getattr(rule, name) for name in MatchBody.model_fields},
        "reply": rule.reply,
        "without": sorted(rule.without),
        "delay_seconds": rule.delay_seconds,
        "byte_seconds": rule.byte_seconds,
        "action": rule.action,
        "times": rule.times,
        "store": rule.store,
        "played": played,
    }


def summary_json(message: Message) -> dict[str, Any]:
    """Returns the line of a list."""
    return {
        "id": message.id,
        "from": message.sender,
        "to": list(message.recipients),
        "subject": message.subject,
        "received_at": message.received_at.isoformat(timespec="microseconds"),
        "size": len(message.raw),
    }


def letter_json(message: Message) -> dict[str, Any]:
    """Returns the line of a list of one recipient's messages: with what a test wants of a letter."""
    parts = read_parts(message.raw)
    return {**summary_json(message), "letter": parts.letter, "code": parts.code, "link": parts.link}


def message_json(message: Message) -> dict[str, Any]:
    """Returns everything about a message."""
    parts = read_parts(message.raw)
    return {
        **letter_json(message),
        "headers": parts.headers,
        "text": parts.text,
        "html": parts.html,
        "links": list(parts.links),
        "source": read_source(message.raw),
    }


def connections_json(seen: Connections) -> dict[str, Any]:
    """Returns the counts and the newest connections."""
    return {
        **asdict(seen.totals),
        "open": seen.open_now,
        "connections": [connection_json(connection) for connection in seen.newest_first()],
    }


def connection_json(connection: Connection) -> dict[str, Any]:
    """Returns one connection."""
    return {
        **asdict(connection),
        "opened_at": connection.opened_at.isoformat(timespec="microseconds"),
        "closed_at": connection.closed_at and connection.closed_at.isoformat(timespec="microseconds"),
    }
