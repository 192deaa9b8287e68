"""② Sessions: opened for whoever proved to be the account's person, kept alive by refresh tokens, ended by anybody who may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from auth_service.account_errors import InvalidRefreshToken
from auth_service.db import audit, sessions
from auth_service.db.account_changes import find_account_by_id
from auth_service.db.open_session import open_session
from auth_service.db.transactions import Transactions
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.domain.session import (
    OWN_CLIENT,
    AccountSession,
    Client,
    Lifetimes,
    Method,
    Presented,
    SessionEnd,
    judge,
)
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.end_sessions import end_oldest, end_one, end_reused
from auth_service.security.access_tokens import AccessTokens, Bearer
from auth_service.security.secrets import KeyedHash, Secret

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An access token, and how many seconds it is good."""

    token: str = field(repr=False)
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What whoever signs in is given.

    Attributes:
        session_id: of the session.
        access: to call with.
        refresh_token: to get the next with; good once.
        refresh_seconds: how long it is good, if nobody uses it.
    """

    session_id: UUID
    access: Access
    refresh_token: Secret
    refresh_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Opens, refreshes and ends sessions.

    Attributes:
        transactions: for what is a request of its own.
        tokens: makes access tokens.
        keyed_hash: derives successors of refresh tokens.
        letters: tell of a new device.
        lifetimes: of sessions.
    """

    transactions: Transactions
    tokens: AccessTokens
    keyed_hash: KeyedHash
    letters: AccountLetters
    lifetimes: Lifetimes

    def open(
        self,
        session: Session,
        account_id: UUID,
        *,
        amr: Sequence[Method],
        client: Client,
        auth_time: datetime | None = None,
        password_hash: str | None = None,
        delegated: bool = False,
    ) -> Grant | None:
        """Opens a session inside a transaction; returns None if the account may not sign in now, and writes nothing then.

        An account that has had sessions, but none on such a device, is written a letter. The caller knows who it is; this looks once more, with the account's row locked: whether it is there, not disabled, and
        has the same password still.

        Args:
            session: of the flow that knows.
            account_id: whose.
            amr: how they proved who they are.
            client: with what, from where, through which application.
            auth_time: when they did, by the database's clock; now if it is not given.
            password_hash: that their password was compared with; None where it was not a password.
            delegated: whether it is opened for an application by a code.
        """
        refresh_token = Secret.new()
        found = open_session(
            session,
            account_id,
            amr=amr,
            client=client,
            lifetimes=self.lifetimes,
            auth_time=auth_time,
            password_hash=password_hash,
            token_hash=refresh_token.digest,
            delegated=delegated,
        )
        if found is None:
            return None
        opened = found.session
        audit.record(
            session,
            AuditAction.SIGN_IN,
            actor=account_actor(account_id),
            target=account_id,
            detail={"amr": list(opened.amr), "client_id": opened.client_id, "session": str(opened.id)},
        )
        end_oldest(session, account_id)
        if found.on_new_device:
            self._tell_of_new_device(session, opened)
        _log.info("session_opened", session_id=str(opened.id), account_id=str(account_id))
        return self._grant(opened, refresh_token, now=opened.created_at)

    def end_all(
        self, session: Session, account_id: UUID, reason: SessionEnd, *, but: UUID | None = None
    ) -> int:
        """Ends all sessions of an account inside a transaction, but perhaps one; returns how many.

        Whoever signs in at the same time with what was good before waits, and is refused if that is changed meanwhile.
        """
        ended = sessions.end_sessions(session, account_id, reason, but=but)
        _log.info("sessions_ended", account_id=str(account_id), reason=reason.value, sessions=ended)
        return ended

    def refresh(self, token: Secret, *, source: str | None, client_id: str = OWN_CLIENT) -> Grant:
        """Returns the successor of a refresh token, and an access token.

        The same token again within ten seconds gets the same successor: an answer may be lost, and two tabs may ask at once.
        Later it ends the session: two hold the token, and one of them stole it. Another application's token is not touched.

        Args:
            token: as it came in.
            source: the network address of the person, as they are shown it; None if it is not known.
            client_id: of the application that sent it.

        Raises:
            InvalidRefreshToken: whatever the reason.
            DatabaseUnavailable: perhaps used, perhaps not; the same request may be sent again.
        """
        with self.transactions.begin() as session:
            grant = self._refresh(session, token, source, client_id)
        # Raised only now: that the session ended is committed.
        if grant is None:
            raise InvalidRefreshToken
        return grant

    def end_if_reused(self, session: Session, token: Secret) -> None:
        """Ends a session of our own whose refresh token came back long after it was used, inside a transaction."""
        found = sessions.lock_session_of(session, token.digest)
        if found is None or not found[0].is_open(found[1]) or found[0].client_id != OWN_CLIENT:
            return
        opened, now = found
        if judge(sessions.used_at(session, token.digest), now) is Presented.REUSED:
            end_reused(session, opened)

    def renew(self, token: Secret) -> Secret | None:
        """Returns another refresh token for the session of this one, which opens nothing any more; None if it opened nothing.

        For a browser whose person has just proved who they are: a copy is good for nothing now. Raises DatabaseUnavailable.
        """
        renewed = Secret.new()
        with self.transactions.begin() as session:
            found = sessions.renew_refresh_token(session, token.digest, renewed=renewed.digest)
        return renewed if found else None

    def revoke(self, token: Secret, *, client_id: str | None = None) -> None:
        """Ends the session of a refresh token, used or not (RFC 7009); of an unknown one nothing is said.

        Args:
            token: as it came in.
            client_id: of the application whose it must be; None for any.

        Raises:
            DatabaseUnavailable: perhaps ended, perhaps not.
        """
        with self.transactions.begin() as session:
            found = sessions.lock_session_of(session, token.digest)
            if found is not None and client_id in {None, found[0].client_id}:
                end_one(session, found[0], SessionEnd.SIGNED_OUT, AuditAction.SIGN_OUT)

    def access_for(self, opened: AccountSession, *, now: datetime) -> Access:
        """Returns an access token of an open session."""
        bearer = Bearer(
            account_id=opened.account_id,
            session_id=opened.id,
            client_id=opened.client_id,
            amr=opened.amr,
            auth_time=opened.auth_time,
        )
        token = self.tokens.issue(bearer, now=now, audience=self.tokens.audience_of(opened))
        return Access(token=token, seconds=int(self.tokens.lifetime.total_seconds()))

    def _tell_of_new_device(self, session: Session, opened: AccountSession) -> None:
        account = find_account_by_id(session, opened.account_id)
        if account is not None:
            self.letters.new_sign_in(session, account, opened)

    def _refresh(self, session: Session, token: Secret, source: str | None, client_id: str) -> Grant | None:
        found = sessions.lock_session_of(session, token.digest)
        if found is None or not found[0].is_open(found[1]) or found[0].client_id != client_id:
            return None
        opened, now = found
        successor = self.keyed_hash.successor_of(token)
        match judge(sessions.used_at(session, token.digest), now):
            case Presented.FRESH:
                sessions.use_refresh_token(session, token.digest)
                sessions.add_refresh_token(session, opened.id, successor.digest)
                touched = sessions.touch(
                    session,
                    opened.id,
                    lifetimes=self.lifetimes,
                    source=opened.source if source is None else source,
                )
                return None if touched is None else self._grant(touched, successor, now=now)
            case Presented.REPEATED:
                return self._grant(opened, successor, now=now)
            case Presented.REUSED:
                end_reused(session, opened)
                return None
            case never:
                assert_never(never)

    def _grant(self, opened: AccountSession, refresh_token: Secret, *, now: datetime) -> Grant:
        return Grant(
            session_id=opened.id,
            access=self.access_for(opened, now=now),
            refresh_token=refresh_token,
            refresh_seconds=max(0, int((opened.idle_until - now).total_seconds())),
        )
