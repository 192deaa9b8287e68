"""① Which application calls? `client_secret_basic` (RFC 6749 section 2.3.1); a program without it is nobody's."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from flask import Flask, g, request

from auth_service.account_errors import InvalidClient
from auth_service.domain.application import Application, Applications

_MOST: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCalls:
    """Finds the application that authenticates itself."""

    applications: Applications

    def by_header(self, authorization: str) -> Application | None:
        """Returns whose secret is in an `Authorization` header, or None where it holds none.

        Raises:
            InvalidClient: there is one, and it is not good.
        """
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        client_id, secret = _decode(encoded.strip())
        application = self.applications.get(client_id)
        # As it is, too: many programs leave out the encoding that RFC 6749 asks for.
        if application is None or not (application.knows(unquote_plus(secret)) or application.knows(secret)):
            raise InvalidClient
        return application

    def public(self, client_id: str) -> Application:
        """Returns the application of an id where it has no secret to show; raises InvalidClient."""
        application = self.applications.get(client_id)
        if application is None or not application.is_public:
            raise InvalidClient
        return application


def let_nobody_call_pages(app: Flask, pages: AbstractSet[str]) -> None:
    """Has pages ignore who calls: people's browsers do, and a proxy in front may have asked them for a password of its own."""

    def ignore() -> None:
        if request.endpoint in pages:
            g.application = None

    app.before_request(ignore)


def _decode(encoded: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded[:_MOST], validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidClient from None
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), secret
