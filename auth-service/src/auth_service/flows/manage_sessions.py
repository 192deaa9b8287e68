"""② A person looks at their sessions, and ends one, or all, or all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth_service.account_errors import UnknownSession
from auth_service.db import audit, sessions
from auth_service.db.transactions import Transactions
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.domain.session import AccountSession, SessionEnd
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.sessions import Sessions

PAGE: Final = 50
"""Sessions at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageSessions:
    """Somebody signed in asks about the sessions of their account."""

    transactions: Transactions
    sessions: Sessions

    def list(
        self, signed_in: SignedIn, *, after: UUID | None
    ) -> tuple[Sequence[AccountSession], UUID | None]:
        """Returns open sessions, newest first, and after which one to ask for more, if there are more.

        Raises:
            DatabaseUnavailable: they cannot be read.
        """
        with self.transactions.begin() as session:
            found = sessions.list_open(session, signed_in.session.account_id, after=after, limit=PAGE + 1)
        return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None

    def end(self, signed_in: SignedIn, session_id: UUID) -> None:
        """Ends a session of the account, this one or another; harmless when repeated.

        Raises:
            UnknownSession: it is not one of the account's.
            DatabaseUnavailable: perhaps ended, perhaps not.
        """
        account_id = signed_in.session.account_id
        own = session_id == signed_in.session.id
        with self.transactions.begin() as session:
            if not sessions.belongs(session, account_id, session_id):
                raise UnknownSession
            reason = SessionEnd.SIGNED_OUT if own else SessionEnd.REVOKED
            if sessions.end_session(session, account_id, session_id, reason):
                audit.record(
                    session,
                    AuditAction.SIGN_OUT if own else AuditAction.SESSION_REVOKE,
                    actor=account_actor(account_id),
                    target=account_id,
                    detail={"session": str(session_id)},
                )

    def end_all(self, signed_in: SignedIn, *, but_this: bool) -> None:
        """Ends all sessions of the account, or all others.

        Raises:
            DatabaseUnavailable: perhaps ended, perhaps not.
        """
        account_id = signed_in.session.account_id
        but = signed_in.session.id if but_this else None
        with self.transactions.begin() as session:
            ended = self.sessions.end_all(session, account_id, SessionEnd.REVOKED, but=but)
            audit.record(
                session,
                AuditAction.SESSION_REVOKE,
                actor=account_actor(account_id),
                target=account_id,
                detail={"sessions": ended},
            )
