"""② Held letters, let go or taken out: by an operator's word, or when their time is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog
from sqlalchemy.orm import Session

from auth_service.db.campaigns import count_registrations
from auth_service.db.transactions import Transactions
from auth_service.domain.audit import operator_actor
from auth_service.domain.campaign import Suspicion
from auth_service.domain.hold import HeldLetter, Selection
from auth_service.outbox.hold import count_held, drop_held, end_expired_holds, list_held, release_held

_BATCH: Final = 500
"""Letters a transaction; few enough that nobody waits for their locks."""

_log = structlog.get_logger(__name__)

EndSome = Callable[..., int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndHolds:
    """The operator's verbs.

    Attributes:
        transactions: for each batch.
        by: the operator's name.
    """

    transactions: Transactions
    by: str

    def list(self, selection: Selection) -> Sequence[HeldLetter]:
        """Returns the selected letters, the oldest first."""
        with self.transactions.begin() as session:
            return list_held(session, selection)

    def count(self, selection: Selection) -> int:
        """Returns how many letters are selected."""
        with self.transactions.begin() as session:
            return count_held(session, selection)

    def release(self, selection: Selection) -> int:
        """Lets the selected letters go, batch by batch; returns how many."""
        return self._end(release_held, selection)

    def drop(self, selection: Selection) -> int:
        """Takes the selected letters out, batch by batch; returns how many. Their receipts say `limited`."""
        return self._end(drop_held, selection)

    def _end(self, end_some: EndSome, selection: Selection) -> int:
        done = 0
        while True:
            left = None if selection.most is None else selection.most - done
            with self.transactions.begin() as session:
                ended = end_some(
                    session, replace(selection, most=left), limit=_BATCH, actor=operator_actor(self.by)
                )
            done += ended
            if ended < _BATCH:
                return done


@dataclass(frozen=True, slots=True, kw_only=True)
class EndExpiredHolds:
    """Scheduled work: nothing is held for ever.

    Attributes:
        suspicion: what is taken for a campaign; while one lasts, letters whose time is over are dropped.
    """

    suspicion: Suspicion | None

    def __call__(self, session: Session, *, limit: int) -> int:
        """Ends holds whose time is over, at most `limit`; returns how many."""
        campaign = self._lasts(session)
        ended = end_expired_holds(session, campaign=campaign, limit=limit)
        if ended:
            _log.warning("holds_expired", letters=ended, became="dropped" if campaign else "released")
        return ended

    def _lasts(self, session: Session) -> bool:
        if self.suspicion is None:
            return False
        return self.suspicion.is_raised_by(count_registrations(session, self.suspicion.period).sent)
