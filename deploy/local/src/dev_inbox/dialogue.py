"""What a connection's session and its transactions have in common: the script steps in, replies go out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import assert_never

import structlog

from dev_inbox.script import Action, Extension, Phase, Rule
from dev_inbox.state import Connection, ServerState
from dev_inbox.stream import Disconnected, Stream

log = structlog.get_logger(__name__)


class Dialogue:
    """One connection, spoken on.

    Attributes:
        state: of the inbox.
        connection: what is recorded of this one.
        stream: its bytes.
        withheld: extensions that the last EHLO did not offer because of a rule.
    """

    def __init__(self, state: ServerState, connection: Connection, stream: Stream) -> None:
        self.state = state
        self.connection = connection
        self.stream = stream
        self.withheld: frozenset[Extension] = frozenset()
        self._byte_seconds = 0.0

    def take(self, phase: Phase, recipients: Iterable[str] = ()) -> Rule | None:
        """Returns the rule for this moment, if any."""
        return self.state.script.take(phase, recipients, messages=self.connection.messages)

    async def play(self, phase: Phase, recipients: Iterable[str] = ()) -> str | None:
        """Plays the rule for this moment, if any, and returns the reply that replaces the usual one, if any."""
        return await self.perform(self.take(phase, recipients))

    async def perform(self, rule: Rule | None) -> str | None:
        """Waits, replies or cuts the line as the rule says; raises Disconnected."""
        if rule is None:
            return None
        log.info("rule_played", phase=rule.phase)
        if rule.delay_seconds > 0:
            await asyncio.sleep(rule.delay_seconds)
        self._byte_seconds = rule.byte_seconds
        match rule.action:
            case None:
                return rule.reply
            case Action.CLOSE:
                if rule.reply is not None:
                    await self.reply(rule.reply)
            case Action.RESET:
                self.stream.reset()
            case _:
                assert_never(rule.action)
        raise Disconnected

    async def reply(self, reply: str) -> None:
        """Sends a reply, slowly if the rule just played says so."""
        byte_seconds, self._byte_seconds = self._byte_seconds, 0.0
        await self.stream.send(reply, byte_seconds=byte_seconds)


def accepted(reply: str | None) -> bool:
    """Tells whether a command was accepted: by the usual reply, or by a positive one of the script."""
    return reply is None or reply.startswith("2")
