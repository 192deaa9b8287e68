"""What the server is told to do instead of being friendly: replies, delays and cut lines, by phase and recipient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from dev_inbox.mailbox import canonical

MESSAGE_BYTES_AT_MOST = 10 * 2**20


class BadRule(Exception):
    """A rule contradicts itself."""


class Extension(StrEnum):
    """An SMTP extension by its EHLO keyword."""

    SIZE = "SIZE"
    EIGHT_BIT = "8BITMIME"
    SMTPUTF8 = "SMTPUTF8"
    PIPELINING = "PIPELINING"
    STARTTLS = "STARTTLS"
    """Offered in clear if the server has a certificate."""
    AUTH = "AUTH"
    """Offered if the server has a login, also in clear: a client that must not use it there has to know itself."""

    @property
    def line(self) -> str:
        """What EHLO says of it."""
        match self:
            case Extension.SIZE:
                return f"{self} {MESSAGE_BYTES_AT_MOST}"
            case Extension.AUTH:
                return f"{self} PLAIN LOGIN"
            case _:
                return str(self)


class Phase(StrEnum):
    """The moment in an SMTP connection (RFC 5321) at which a rule steps in, each before its usual reply."""

    CONNECT = "connect"
    EHLO = "ehlo"
    """EHLO or HELO."""
    STARTTLS = "starttls"
    """The STARTTLS command, where TLS is to be had."""
    AUTH = "auth"
    """The login was read."""
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    """The DATA command, before 354."""
    DOT = "dot"
    """The final dot, after the whole message was read."""

    @property
    def knows_recipients(self) -> bool:
        """Whether a recipient was named by then."""
        return self in {Phase.RCPT, Phase.DATA, Phase.DOT}


class Action(StrEnum):
    """How the server ends the connection."""

    RESET = "reset"
    """A TCP reset; the peer sees "connection reset by peer"."""
    CLOSE = "close"
    """An orderly close, after the reply if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    r"""One thing to do at one phase.

    Attributes:
        phase: when.
        recipient: a glob (`*@full.example`) on the command's recipient, from DATA on on any recipient of the
            transaction; compared in canonical form. None is everybody.
        reply: sent instead of the usual reply; several lines are separated by `\n`. None is the usual reply. At
            `connect` it replaces the banner, at `ehlo` the whole list of extensions, at `data` the 354. At
            `starttls` TLS begins behind a reply that begins with 220, so that further lines of it are text injected
            in clear.
        without: extensions that EHLO does not offer and that are refused if used all the same.
        delay_seconds: waited before anything else.
        byte_seconds: waited after each byte of the reply.
        action: how to end the connection. A reset sends no reply.
        after_messages: played only on a connection from which this many messages were kept.
        every: played only every so many of the moments it applies to; 2 is every second one.
        times: how often the rule is played before it is spent; None is for ever.
        store: at the dot, whether the message is kept, before the delay and the reply. None keeps it where the
            reply is positive and the connection stays.
    """

    phase: Phase
    recipient: str | None = None
    reply: str | None = None
    without: frozenset[Extension] = frozenset()
    after_messages: int = 0
    every: int = 1
    delay_seconds: float = 0.0
    byte_seconds: float = 0.0
    action: Action | None = None
    times: int | None = None
    store: bool | None = None

    def __post_init__(self) -> None:
        if self.recipient is not None and not self.phase.knows_recipients:
            raise BadRule(f"nobody knows the recipient at {self.phase}")
        if self.store is not None and self.phase is not Phase.DOT:
            raise BadRule("only at dot there is something to store")
        if self.reply is not None and self.action is Action.RESET:
            raise BadRule("a reset sends no reply")
        if self.without and self.phase is not Phase.EHLO:
            raise BadRule("only at ehlo there are extensions to withhold")
        if self.without and self.reply is not None:
            raise BadRule("a reply at ehlo is the whole list of extensions")

    @property
    def positive(self) -> bool:
        """Whether the usual reply, or a 2yz one, is sent and the connection stays."""
        return self.action is None and (self.reply is None or self.reply.startswith("2"))

    @property
    def stores(self) -> bool:
        """Whether a message that ended with this rule is kept."""
        return self.positive if self.store is None else self.store

    def applies(self, phase: Phase, recipients: Iterable[str], *, messages: int = 0) -> bool:
        """Tells whether it is this rule's moment on a connection from which so many messages were kept."""
        if phase is not self.phase or messages < self.after_messages:
            return False
        if self.recipient is None:
            return True
        glob = canonical(self.recipient)
        return any(fnmatchcase(canonical(recipient), glob) for recipient in recipients)


@dataclass(slots=True)
class _Part:
    """A rule in force, with how often its moment came and how often it was played."""

    rule: Rule
    moments: int = 0
    played: int = 0

    @property
    def spent(self) -> bool:
        return self.rule.times is not None and self.played >= self.rule.times

    def is_due(self) -> bool:
        """Counts one more moment and tells whether it is one to play at."""
        self.moments += 1
        return self.moments % self.rule.every == 0


class Script:
    """The rules in force; the first one that applies, is due and is not spent is played."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []

    def replace(self, rules: Iterable[Rule]) -> None:
        """Puts other rules in force, none of them played yet."""
        self._parts = [_Part(rule) for rule in rules]

    def take(self, phase: Phase, recipients: Iterable[str] = (), *, messages: int = 0) -> Rule | None:
        """Returns the rule to play now and counts it as played, or None."""
        recipients = tuple(recipients)
        for part in self._parts:
            if not part.spent and part.rule.applies(phase, recipients, messages=messages) and part.is_due():
                part.played += 1
                return part.rule
        return None

    def played(self) -> list[tuple[Rule, int]]:
        """Returns every rule with how often it was played."""
        return [(part.rule, part.played) for part in self._parts]
