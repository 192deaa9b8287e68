"""① Which pages of other sites may call the API: those of registered origins, with a bearer token, and everybody for what is public.

No cookie goes along (`Access-Control-Allow-Credentials` is never sent), and pages of ours are for nobody else's scripts.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, request

_MAX_AGE_SECONDS: Final = 600
_METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
_HEADERS: Final = "Authorization, Content-Type, X-Request-ID"
_EXPOSED: Final = "Retry-After, WWW-Authenticate, X-Request-ID"
_OPEN: Final = "/.well-known/"
"""Keys and metadata are for everybody; a page that is led to from there is not, nor what isn't there."""


def is_registered(origins: AbstractSet[str], pages: AbstractSet[str]) -> bool:
    """Says whether a page of a registered origin makes the request in hand, to a call of the API.

    Args:
        origins: as browsers send them.
        pages: endpoints that are no calls of the API.
    """
    return _is_call(pages) and request.headers.get("Origin") in origins


def answer_registered_origins(app: Flask, *, origins: AbstractSet[str], pages: AbstractSet[str]) -> None:
    """Lets pages of these origins read what the API answers them, and asks nobody else to.

    Args:
        app: the application.
        origins: that are registered.
        pages: endpoints that are no calls of the API.
    """

    def preflight() -> Response | None:
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        if not is_registered(origins, pages):
            return None
        response = Response(status=HTTPStatus.NO_CONTENT)
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = _HEADERS
        response.headers["Access-Control-Max-Age"] = str(_MAX_AGE_SECONDS)
        return response

    def allow(response: Response) -> Response:
        if request.path.startswith(_OPEN) and _is_call(pages):
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            return response
        if not origins or request.endpoint in pages:
            return response
        # A cache in between must not give one origin what was said to another.
        response.vary.add("Origin")
        if is_registered(origins, pages):
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        return response

    app.before_request(preflight)
    app.after_request(allow)


def _is_call(pages: AbstractSet[str]) -> bool:
    return request.endpoint is not None and request.endpoint not in pages
