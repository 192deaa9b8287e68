"""Claiming a letter whose holder may have died this very moment.

When a replica is killed, the broker and the database both learn of it by its closed connections, each in its own time.
If the broker is first, its message is here before its sign of life is gone, and the letter seems to be held. To send it
to a wait queue then would cost somebody who looks at the screen ten seconds; so a thread looks again for two.
"""

from __future__ import annotations

from collections.abc import Callable

from mailer_service.delivery.claim import Claim, Standing
from mailer_service.delivery.patience import Patience
from mailer_service.store.tables import LetterState

_PAUSES = (0.05, 0.2, 0.5, 1.25)
"""Seconds between two looks; a database on a busy machine notices a closed connection within tenths of one."""
_IN_HAND = frozenset({LetterState.CLAIMED, LetterState.TRANSMITTING})


def claim_or_look_again(take: Callable[[], Claim | Standing], *, patience: Patience) -> Claim | Standing:
    """Returns a claim as soon as there is one, or where the letter stands at the last look.

    Args:
        take: claims the letter, or tells why not.
        patience: ends the looking on a stop.

    Raises:
        LedgerUnavailable: raised by `take`.
    """
    for pause in _PAUSES:
        found = take()
        if isinstance(found, Claim) or found.state not in _IN_HAND or not patience.pause(pause):
            return found
    return take()
