"""The words of the reply table: each makes a verdict of the token that will be its reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from mailer_service.delivery.outcome import Dead, OtherProvider, Pause, Suppress, Tries, TryLater, Verdict
from mailer_service.store.tables import Scope

Judgement = Callable[[str], Verdict]
"""From a reply's token to the verdict that gives it as its reason."""

MINUTE = timedelta(minutes=1)
GREYLISTED = timedelta(minutes=5)
"""RFC 6647, section 4.5: a common delay; whoever comes sooner is only turned away again."""
FULL = timedelta(minutes=30)
A_WHILE = timedelta(days=1)
"""For what may mend itself, and for what no enhanced code vouches for."""
LONG = timedelta(days=90)
"""For an address that nobody has: a mailbox may be made there later, and a server may have been wrong for an hour."""
OFTEN = 3
_A_FEW = 3

WHILE_FULL = Tries(kind="full", at_most=_A_FEW)
WHILE_IT_MAY_PASS = Tries(kind="moment", at_most=_A_FEW)
WHILE_NOT_SET_UP = Tries(kind="set_up", at_most=_A_FEW)
WHILE_ODD = Tries(kind="odd", at_most=_A_FEW)

NO_MAILBOX = Suppress(scope=Scope.RECIPIENT, lifetime=LONG, absent=True)
NO_MAILBOX_NOW = Suppress(scope=Scope.RECIPIENT, lifetime=A_WHILE)
FULL_MAILBOX = Suppress(scope=Scope.RECIPIENT, lifetime=LONG, after=OFTEN)
NO_MAIL_IN_DOMAIN = Suppress(scope=Scope.DOMAIN, lifetime=A_WHILE, absent=True)


def later(
    after: timedelta = timedelta(),
    *,
    tries: Tries | None = None,
    same_provider: bool = False,
    ends_dead: bool = False,
) -> Callable[[str], TryLater]:
    """Certainly not accepted; another attempt makes sense."""
    return lambda reason: TryLater(
        reason=reason, after=after, tries=tries, same_provider=same_provider, ends_dead=ends_dead
    )


def dead(as_reason: str | None = None, *, suppress: Suppress | None = None) -> Callable[[str], Dead]:
    """Another attempt would end the same way."""
    return lambda reason: Dead(reason=as_reason or reason, suppress=suppress)


def elsewhere(otherwise: Callable[[str], TryLater | Dead]) -> Callable[[str], OtherProvider]:
    """Another provider may see it differently."""
    return lambda reason: OtherProvider(reason=reason, otherwise=otherwise(reason))


def pause(reason: str) -> Pause:
    """The letter has no part in it."""
    return Pause(reason=reason)
