"""Registrations counted as a whole: how many there were, and how many of them were confirmed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from auth_service.domain.campaign import CONFIRMING_TIME, Tally
from auth_service.domain.registration import EndedFor
from auth_service.store.base import table_of
from auth_service.store.tables import Registration

_REGISTRATIONS = table_of(Registration)
_CONFIRMED = _REGISTRATIONS.c.ended_for == EndedFor.CONFIRMED.value
# A letter that is held cannot be confirmed: it says nothing about whether holding is still needed.
_ON_ITS_WAY = _REGISTRATIONS.c.proved & _REGISTRATIONS.c.held_for.is_(None)
_COUNT = select(
    func.count(),
    func.count().filter(_CONFIRMED),
    func.count().filter(_ON_ITS_WAY),
    func.count().filter(_ON_ITS_WAY, _CONFIRMED),
).where(
    _REGISTRATIONS.c.created_at > func.now() - bindparam("period") - CONFIRMING_TIME,
    _REGISTRATIONS.c.created_at <= func.now() - CONFIRMING_TIME,
)


def tally_registrations(session: Session, period: timedelta) -> tuple[Tally, Tally]:
    """Returns all registrations of the period that ended `CONFIRMING_TIME` ago, and those with a proof and no hold."""
    everybody, confirmed, proved, proved_confirmed = session.execute(_COUNT, {"period": period}).one()
    return (
        Tally(registered=everybody, confirmed=confirmed),
        Tally(registered=proved, confirmed=proved_confirmed),
    )
