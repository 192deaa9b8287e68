"""① What applications get sessions for: a code with PKCE's verifier, a refresh token; and how they end one. Names are authlib's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge

from auth_service.account_errors import InvalidCode, InvalidRefreshToken
from auth_service.db.authorization_codes import IssuedCode
from auth_service.flows.sessions import Grant
from auth_service.http.sign_ins import session_answer
from auth_service.security.secrets import MAX_SECRET_LENGTH, Secret

AUTHENTICATION: Final = ["client_secret_basic", "none"]
"""How applications say who they are: a secret in the header, not in a body that somebody logs; public ones have none."""

METHOD: Final = "S256"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class _Issued:
    code: IssuedCode

    @property
    def code_challenge(self) -> str:
        return self.code.challenge

    @property
    def code_challenge_method(self) -> str:
        return METHOD

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class _Presented:
    """A refresh token that came in: only the flow that uses it, in one transaction, can say whether it is good."""

    token: Secret

    def check_client(self, _: Any) -> bool:
        return True

    def get_scope(self) -> str:
        return ""


class Pkce(CodeChallenge):  # type: ignore[misc] # authlib is untyped
    """PKCE with S256, of everybody (RFC 9700 section 2.1.1): no code is issued without, so none is redeemed without."""

    SUPPORTED_CODE_CHALLENGE_METHOD = [METHOD]  # noqa: RUF012 - as authlib has it

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Raises InvalidRequestError for a request without a challenge, or with one that is not S256's."""
        values = grant.request.values
        if values.get("code_challenge_method") != METHOD:
            raise InvalidRequestError("Send a code_challenge with code_challenge_method=S256.")
        if not _CHALLENGE.fullmatch(values.get("code_challenge", "")):
            raise InvalidRequestError("The code_challenge must be 43 characters of base64url.")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """`grant_type=authorization_code`."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION

    def generate_authorization_code(self) -> str:
        """Returns a code that is written down."""
        code = self.server.codes.issue(
            self.request.user,
            client_id=self.request.client.get_client_id(),
            redirect_uri=self.request.payload.redirect_uri,
            challenge=self.request.values["code_challenge"],
        )
        return str(code.text)

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Does nothing: it was when it was made."""

    def query_authorization_code(self, code: str, client: Any) -> _Issued | None:
        """Returns what a code was issued for."""
        if len(code) > MAX_SECRET_LENGTH:
            return None
        issued = self.server.codes.find(Secret(code), client_id=client.get_client_id())
        return None if issued is None else _Issued(issued)

    def authenticate_user(self, authorization_code: _Issued) -> _Issued:
        """Returns whose it is."""
        return authorization_code

    def generate_token(self, **_: Any) -> dict[str, Any]:
        """Redeems the code, whose redirect URI and challenge were compared before."""
        try:
            return _answer(self.server.codes.redeem(self.request.authorization_code.code))
        except InvalidCode:
            raise InvalidGrantError from None

    def delete_authorization_code(self, authorization_code: _Issued) -> None:
        """Does nothing: it is used up, and one that comes back must be recognised."""


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """`grant_type=refresh_token`."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION

    def authenticate_refresh_token(self, refresh_token: str) -> _Presented | None:
        """Returns it, unread."""
        return _Presented(Secret(refresh_token)) if len(refresh_token) <= MAX_SECRET_LENGTH else None

    def authenticate_user(self, refresh_token: _Presented) -> _Presented:
        """Returns whose it is."""
        return refresh_token

    def issue_token(self, _: Any, refresh_token: _Presented) -> dict[str, Any]:
        """Refreshes the session."""
        try:
            grant = self.server.sessions.refresh(
                refresh_token.token,
                source=self.server.sources.shown_if_known(),
                client_id=self.request.client.get_client_id(),
            )
        except InvalidRefreshToken:
            raise InvalidGrantError from None
        return _answer(grant)

    def revoke_old_credential(self, refresh_token: _Presented) -> None:
        """Does nothing: it is used up."""


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009, for refresh tokens; the session ends, and its access tokens open nothing here."""

    CLIENT_AUTH_METHODS = AUTHENTICATION

    def query_token(self, token_string: str, _: str | None) -> _Presented | None:
        """Returns it, unread; refuses an access token, which is good until it is too old."""
        if "." in token_string:
            raise OAuth2Error(error="unsupported_token_type", description="Send the refresh token.")
        return _Presented(Secret(token_string)) if len(token_string) <= MAX_SECRET_LENGTH else None

    def check_params(self, request: Any, _: Any) -> None:
        """Raises InvalidRequestError without a token; a hint changes nothing."""
        if "token" not in request.form:
            raise InvalidRequestError

    def revoke_token(self, token: _Presented, request: Any) -> None:
        """Ends its session, if it is this application's."""
        self.server.sessions.revoke(token.token, client_id=request.client.get_client_id())


def _answer(grant: Grant) -> dict[str, Any]:
    return session_answer(grant).model_dump(exclude_none=True)
