"""② One session is ended, or an account's oldest, and the audit says so; inside a transaction of whoever sees that it must be."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from auth_service.db import audit, sessions
from auth_service.domain.audit import STRANGER, SYSTEM, AuditAction, AuditResult, account_actor
from auth_service.domain.session import MAX_OPEN_SESSIONS, AccountSession, SessionEnd

_log = structlog.get_logger(__name__)


def end_one(session: Session, opened: AccountSession, reason: SessionEnd, action: AuditAction) -> None:
    """Ends a session for its person, if it has not ended."""
    _end(session, opened, reason, action, actor=account_actor(opened.account_id), result=AuditResult.DONE)


def end_reused(
    session: Session, opened: AccountSession, action: AuditAction = AuditAction.REFRESH_REUSE
) -> None:
    """Ends a session of which two have a refresh token, or the code that it was opened with."""
    _end(session, opened, SessionEnd.REUSED, action, actor=STRANGER, result=AuditResult.REFUSED)
    _log.warning("session_reused", session_id=str(opened.id), reused=action.value)


def end_oldest(session: Session, account_id: UUID) -> None:
    """Ends an account's oldest sessions beyond as many as may be open."""
    ended = sessions.end_oldest(session, account_id, keep=MAX_OPEN_SESSIONS)
    if ended:
        audit.record(
            session,
            AuditAction.SESSION_REVOKE,
            actor=SYSTEM,
            target=account_id,
            detail={"sessions": ended, "reason": SessionEnd.OUTNUMBERED.value},
        )


def _end(
    session: Session,
    opened: AccountSession,
    reason: SessionEnd,
    action: AuditAction,
    *,
    actor: str,
    result: AuditResult,
) -> None:
    if sessions.end_session(session, opened.account_id, opened.id, reason):
        audit.record(
            session,
            action,
            actor=actor,
            target=opened.account_id,
            result=result,
            detail={"session": str(opened.id)},
        )
