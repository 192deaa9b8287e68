"""③ Messages committed together with what caused them, and kept until the broker has confirmed them."""

from __future__ import annotations

from auth_service.outbox.enqueue import (
    Origin,
    enqueue_letter,
    record_limited,
    withdraw_letters,
    withdraw_letters_of_account,
)

__all__ = ["Origin", "enqueue_letter", "record_limited", "withdraw_letters", "withdraw_letters_of_account"]
