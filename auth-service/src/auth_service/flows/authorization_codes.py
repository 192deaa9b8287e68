"""② Authorization codes (RFC 6749 section 4.1): a signed-in browser brings one to an application, which exchanges it for a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.orm import Session

from auth_service.account_errors import InvalidCode
from auth_service.db import authorization_codes
from auth_service.db.account_changes import lock_account
from auth_service.db.authorization_codes import IssuedCode
from auth_service.db.limits import admit
from auth_service.db.transactions import Transactions
from auth_service.domain.audit import AuditAction
from auth_service.domain.limit import parse_limit
from auth_service.domain.session import AccountSession, Client, Method
from auth_service.errors import RateLimited
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.end_sessions import end_reused
from auth_service.flows.sessions import Grant, Sessions
from auth_service.security.secrets import KeyedHash, Secret

LIFETIME: Final = timedelta(seconds=60)
"""How long a code is good; RFC 6749 allows ten minutes, and a browser and a server take a second."""

ISSUES: Final = parse_limit("20/minute 200/hour")
"""Of one account, whatever the application: a person comes and goes a few times, and a loop would fill the table."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCodes:
    """Issues and redeems them."""

    transactions: Transactions
    sessions: Sessions
    keyed_hash: KeyedHash

    def issue(self, signed_in: SignedIn, *, client_id: str, redirect_uri: str, challenge: str) -> Secret:
        """Returns a code that this application may redeem once, from this address, with the verifier of this challenge.

        Raises:
            RateLimited: there were more than `ISSUES`.
            DatabaseUnavailable: there is none, or nobody knows of it.
        """
        code = Secret.new()
        issued = IssuedCode(
            hash=code.digest,
            account_id=signed_in.session.account_id,
            client_id=client_id,
            redirect_uri=redirect_uri,
            challenge=challenge,
        )
        key = self.keyed_hash.limit_key("authorization_codes", str(issued.account_id))
        with self.transactions.begin() as session:
            admission = admit(session, key, ISSUES)
            if not admission.admitted:
                raise RateLimited(admission.whole_seconds)
            authorization_codes.add_code(session, issued, session_id=signed_in.session.id, lifetime=LIFETIME)
        _log.info("code_issued", session_id=str(signed_in.session.id), client_id=client_id)
        return code

    def find(self, code: Secret, *, client_id: str) -> IssuedCode | None:
        """Returns what a code was issued for, if to this application; whether it is still good only `redeem` says.

        Raises:
            DatabaseUnavailable: whether there is one cannot be said.
        """
        with self.transactions.begin() as session:
            issued = authorization_codes.find_code(session, code.digest)
        return issued if issued is not None and issued.client_id == client_id else None

    def redeem(self, issued: IssuedCode) -> Grant:
        """Returns a session of the application, for whoever has shown that the code was issued to them.

        Once: a code that comes back has been copied, so the session that it gave ends (RFC 6749 section 10.5).

        Raises:
            InvalidCode: used, too old, or the browser is not signed in any more.
            DatabaseUnavailable: perhaps redeemed, perhaps not.
        """
        with self.transactions.begin() as session:
            # As everybody does who ends sessions: the account first.
            account = lock_account(session, issued.account_id)
            browser = authorization_codes.use_code(session, issued.hash)
            grant = None
            if account is not None and browser is not None:
                grant = self._open(session, issued, browser)
            elif (opened := authorization_codes.find_opened(session, issued.hash)) is not None:
                end_reused(session, opened, AuditAction.CODE_REUSE)
        # Raised only now: that the session ended is committed.
        if grant is None:
            raise InvalidCode
        return grant

    def _open(self, session: Session, issued: IssuedCode, browser: AccountSession) -> Grant | None:
        grant = self.sessions.open(
            session,
            issued.account_id,
            amr=[Method(method) for method in browser.amr],
            # The person is where the browser is, not where the application's server is.
            client=Client(device=browser.device, source=browser.source, client_id=issued.client_id),
            auth_time=browser.auth_time,
            delegated=True,
        )
        if grant is not None:
            authorization_codes.set_opened(session, issued.hash, grant.session_id)
        return grant
