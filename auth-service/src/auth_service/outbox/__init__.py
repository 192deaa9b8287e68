"""③ Messages committed together with what caused them, and kept until the broker has confirmed them."""

from __future__ import annotations

from auth_service.outbox.enqueue import enqueue_cancellation, enqueue_letter

__all__ = ["enqueue_cancellation", "enqueue_letter"]
