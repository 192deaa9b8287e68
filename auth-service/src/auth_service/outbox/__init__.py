"""③ Messages committed together with what caused them, and kept until the broker has confirmed them."""

from __future__ import annotations

from auth_service.outbox.enqueue import enqueue_letter, withdraw_letters, withdraw_letters_of, withdrawal

__all__ = ["enqueue_letter", "withdraw_letters", "withdraw_letters_of", "withdrawal"]
