"""Writing the audit, in the transaction of what it tells of: what was not done is not told, and what was done is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from auth_service.domain.audit import AuditAction, AuditResult
from auth_service.store.account_tables import AuditEvent
from auth_service.store.base import table_of

_ADD = insert(table_of(AuditEvent))


def record(
    session: Session,
    action: AuditAction,
    *,
    actor: str,
    target: UUID | str,
    result: AuditResult = AuditResult.DONE,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Writes down who did what to which account.

    Args:
        session: of the transaction that does it.
        action: what was done.
        actor: see `domain.audit`: an account, an operator, the system or a stranger.
        target: the account's id, or what stands for a mailbox without one (`KeyedHash.recipient_tag`).
        result: whether it was granted.
        detail: a few words more, under 2 kB; never an address, a secret or a text of the request.
    """
    session.execute(
        _ADD,
        {
            "actor": actor,
            "action": action.value,
            "target": str(target),
            "result": result.value,
            "detail": dict(detail or {}),
        },
    )
