"""① `/v1/sessions`: sign in, refresh, sign out. A wrong password, an unknown and an unconfirmed address are answered alike."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, request

from auth_service import account_errors, errors
from auth_service.domain.password_policy import WrongLength, find_wrong_length
from auth_service.flows.admit_sign_in import AdmitSignIn
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.sessions import Access, Grant, Sessions
from auth_service.flows.sign_in import SignIn
from auth_service.http.authentication import Authentication
from auth_service.http.body import read_object, validate
from auth_service.http.metrics import Metrics
from auth_service.http.registrations import read_address
from auth_service.http.route import (
    BODY_PROBLEMS,
    SIGNED_IN_PROBLEMS,
    Answer,
    Route,
    json_answer,
    problems_of,
)
from auth_service.http.session_schemas import (
    AccessAnswer,
    ReauthenticationRequest,
    RefreshRequest,
    RevocationAnswer,
    RevocationRequest,
    SessionAnswer,
    SignInRequest,
)
from auth_service.http.sources import Sources
from auth_service.security.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIns:
    """The calls that open sessions and keep them alive."""

    sign_in: SignIn
    admit: AdmitSignIn
    sessions: Sessions
    sources: Sources
    authentication: Authentication
    metrics: Metrics

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="POST",
                path="/v1/sessions",
                view=self.post,
                name="sign_in",
                group="Sessions",
                summary="Sign in",
                description=(
                    "Answers alike for a wrong password, an unknown address, and one that isn't confirmed yet. Too many wrong "
                    "passwords for an address, and the right one is answered as a wrong one for a while; too many from a "
                    "network, and it gets 429. While very many are wrong everywhere, send it again with the `proof` that the "
                    "428 asks for (docs/protection.md)."
                ),
                bodies=(SignInRequest,),
                may_be_application=True,
                answer=Answer(
                    status=HTTPStatus.CREATED, description="A session was opened.", schema=SessionAnswer
                ),
                problems=(
                    *BODY_PROBLEMS,
                    *problems_of(
                        account_errors.RefusedSignIn,
                        errors.ProofRequired,
                        errors.RateLimited,
                        errors.TooBusy,
                        errors.DatabaseUnavailable,
                    ),
                ),
            ),
            Route(
                method="POST",
                path="/v1/sessions/refresh",
                view=self.post_refresh,
                name="refresh_session",
                group="Sessions",
                summary="Get the next access token",
                description=(
                    "The refresh token is used up, and the answer brings the next. The same one again within ten seconds gets "
                    "the same answer; later it ends the session, for somebody has a copy."
                ),
                bodies=(RefreshRequest,),
                may_be_application=True,
                answer=Answer(status=HTTPStatus.OK, description="Go on with these.", schema=SessionAnswer),
                problems=(
                    *BODY_PROBLEMS,
                    *problems_of(
                        account_errors.InvalidRefreshToken, errors.RateLimited, errors.DatabaseUnavailable
                    ),
                ),
            ),
            Route(
                method="POST",
                path="/v1/sessions/revoke",
                view=self.post_revoke,
                name="revoke_session",
                group="Sessions",
                summary="Sign out with the refresh token alone",
                description="As RFC 7009 has it: 200 for any token. The session ends, and its access tokens open nothing here.",
                bodies=(RevocationRequest,),
                answer=Answer(
                    status=HTTPStatus.OK, description="It opens nothing now.", schema=RevocationAnswer
                ),
                problems=(*BODY_PROBLEMS, *problems_of(errors.DatabaseUnavailable)),
            ),
            Route(
                method="POST",
                path="/v1/sessions/current/reauthenticate",
                view=self.post_reauthenticate,
                name="reauthenticate",
                group="Sessions",
                summary="Prove once more who is signed in",
                description=(
                    "Where a call answers 401 `recent_sign_in_needed` (RFC 9470). The session goes on; the new access token's "
                    "`auth_time` is now."
                ),
                bodies=(ReauthenticationRequest,),
                answer=Answer(
                    status=HTTPStatus.OK, description="Send the other call again.", schema=AccessAnswer
                ),
                problems=(
                    *BODY_PROBLEMS,
                    *SIGNED_IN_PROBLEMS,
                    *problems_of(
                        account_errors.WrongPassword,
                        errors.RateLimited,
                        errors.TooBusy,
                    ),
                ),
                signed_in=True,
            ),
        )

    def post(self) -> Response:
        """Signs in."""
        grant, short = self.take(read_object(request))
        return json_answer(session_answer(grant, short=short), HTTPStatus.CREATED)

    def take(self, value: dict[str, Any]) -> tuple[Grant, bool]:
        """Signs in by a body, or the form of our page; says also whether nobody may choose that password today."""
        body = validate(SignInRequest, value)
        address, source = read_address(body.email), self.sources.name()
        self.admit.let_in(source, body.proof)
        password = body.password.get_secret_value()
        try:
            grant = self.sign_in(address, password, self.sources.client(), source=source)
        except account_errors.RefusedSignIn:
            self.metrics.sign_in_answered(accepted=False)
            raise
        self.metrics.sign_in_answered(accepted=True)
        return grant, find_wrong_length(password) is WrongLength.TOO_SHORT

    def post_refresh(self) -> Response:
        """Refreshes."""
        token = Secret(validate(RefreshRequest, read_object(request)).refresh_token)
        try:
            grant = self.sessions.refresh(
                token, source=self.sources.shown_if_known(), client_id=self.sources.client_id()
            )
        except account_errors.InvalidRefreshToken:
            self.sources.admit_bad_refresh()
            raise
        return json_answer(session_answer(grant))

    def post_revoke(self) -> Response:
        """Revokes."""
        self.sessions.revoke(Secret(validate(RevocationRequest, read_object(request)).refresh_token))
        return json_answer(RevocationAnswer())

    def post_reauthenticate(self) -> Response:
        """Proves it again."""
        access = self.take_again(self.authentication(), read_object(request))
        return json_answer(AccessAnswer(access_token=access.token, expires_in=access.seconds))

    def take_again(self, signed_in: SignedIn, body: dict[str, Any]) -> Access:
        """Has them prove it by a body, or the form of our page; raises what the call answers."""
        password = validate(ReauthenticationRequest, body).password.get_secret_value()
        return self.sign_in.again(signed_in, password, source=self.sources.name())


def session_answer(grant: Grant, *, short: bool = False) -> SessionAnswer:
    """Returns what whoever signed in is given; `short` if it was with a password that nobody may choose today."""
    return SessionAnswer(
        access_token=grant.access.token,
        expires_in=grant.access.seconds,
        refresh_token=grant.refresh_token.text,
        refresh_expires_in=grant.refresh_seconds,
        password_change_advised=True if short else None,
    )
