"""A letter that cannot be written or handed over, for a reason of its own or ours, is dead: trying again only repeats it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import structlog

from mailer_service.delivery.outcome import Dead
from mailer_service.errors import LedgerUnavailable, UnfitLetter

log = structlog.get_logger(__name__)

T = TypeVar("T")


def unless_broken(letter_id: UUID, step: Callable[[], T]) -> T | Dead:
    """Returns what a step gives, or that the letter is dead of it; raises LedgerUnavailable, which is no fault of the letter's."""
    try:
        return step()
    except UnfitLetter as error:
        log.warning("letter_unfit", letter_id=str(letter_id), reason=error.reason)
        return Dead(reason=error.reason)
    except LedgerUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the message must not be lost with it
        # Without the error's own words, which may quote the letter.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error(  # noqa: TRY400 - see above
            "letter_broke_the_mailer", letter_id=str(letter_id), error=type(error).__name__, where=where
        )
        return Dead(reason="internal_error")
