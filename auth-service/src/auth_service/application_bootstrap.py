"""Puts together what applications call, and where they send people; a part of `bootstrap.py`."""

from __future__ import annotations

from urllib.parse import urlsplit

from auth_service.account_bootstrap import Shared
from auth_service.flows.authorization_codes import AuthorizationCodes
from auth_service.flows.sessions import Sessions
from auth_service.http.oauth_server import OAuthServer
from auth_service.http.token_endpoint import TokenEndpoint
from auth_service.settings import ApiSettings


def build_oauth(settings: ApiSettings, shared: Shared, sessions: Sessions) -> TokenEndpoint:
    """Returns the token endpoint; its server answers at the authorization endpoint, too."""
    return TokenEndpoint(
        server=OAuthServer(
            applications=settings.applications,
            codes=AuthorizationCodes(
                transactions=shared.transactions, sessions=sessions, keyed_hash=shared.keyed_hash
            ),
            sessions=sessions,
            sources=shared.sources,
            issuer=settings.public_url,
        ),
        base=urlsplit(settings.public_url).path,
    )
