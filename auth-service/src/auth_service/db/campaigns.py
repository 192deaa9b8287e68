"""Registrations counted as a whole: how many there were, and how many of them were confirmed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session

from auth_service.db.base import table_of
from auth_service.db.tables import Letter, Registration
from auth_service.domain.campaign import CONFIRMING_TIME, CampaignCounts, RegistrationCount
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.registration import EndedFor

_REGISTRATIONS = table_of(Registration)
_LETTERS = table_of(Letter)
_HAS_LETTER = exists().where(
    _LETTERS.c.registration_id == _REGISTRATIONS.c.id, _LETTERS.c.state != DeliveryState.LIMITED.value
)
_SEEN = (
    select(
        (_REGISTRATIONS.c.ended_for == EndedFor.CONFIRMED.value).label("confirmed"),
        _REGISTRATIONS.c.held_for.is_not(None).label("held"),
        _REGISTRATIONS.c.proved,
        _HAS_LETTER.label("has_letter"),
    )
    .where(
        _REGISTRATIONS.c.created_at > func.now() - bindparam("period") - CONFIRMING_TIME,
        _REGISTRATIONS.c.created_at <= func.now() - CONFIRMING_TIME,
    )
    .subquery()
)
_SENT = (~_SEEN.c.held, _SEEN.c.has_letter)
_EVERYBODY, _PROVED = (_SEEN.c.held | _SEEN.c.has_letter,), (*_SENT, _SEEN.c.proved)
_COUNT = select(
    *(
        func.count().filter(*which, *confirmed)
        for which in (_EVERYBODY, _SENT, _PROVED)
        for confirmed in ((), (_SEEN.c.confirmed,))
    )
)


def count_registrations(session: Session, period: timedelta) -> CampaignCounts:
    """Returns the registrations of the period that ended `CONFIRMING_TIME` ago."""
    counts = session.execute(_COUNT, {"period": period}).one()
    everybody, sent, proved = (
        RegistrationCount(registered=counts[at], confirmed=counts[at + 1]) for at in range(0, len(counts), 2)
    )
    return CampaignCounts(everybody=everybody, sent=sent, proved=proved)
