"""① Addresses that take a form only: whoever opens one, by the language's link or "Try again", is led to the form's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from flask import Response, request

from auth_service.http.pages.site import Site
from auth_service.http.route import Answer, Route

PAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/account/language": "/account",
        "/account/password": "/account",
        "/account/email": "/account",
        "/account/sessions/end": "/account",
        "/account/sessions/end-others": "/account",
        "/account/delete": "/account",
        "/refuse/lift": "/refuse",
        "/signin-link/send": "/signin",
        "/signout": "/account",
        "/signup/status": "/signup",
        "/signup/resend": "/signup",
    }
)
"""The page that has the form of each."""

_LED: Final = Answer(status=HTTPStatus.SEE_OTHER, description="To the form's page.", media_type="text/plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormAddresses:
    """Leads on."""

    site: Site

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return tuple(
            Route(
                method="GET",
                path=path,
                view=self.lead,
                name=f"{path.strip('/').replace('/', '_').replace('-', '_')}_page",
                group="Pages",
                summary="Leads to the form's page",
                answer=_LED,
                is_page=True,
            )
            for path in PAGES
        )

    def lead(self) -> Response:
        """Redirects, in the language asked for."""
        return self.site.lead_to(self.site.own_address(PAGES[request.path]))
