"""① Which page sends this? A browser says so with every POST; what a page of somebody else's makes it send is refused.

The API takes no cookie, so there such a request could do little; but it would come from the visitor's address, and with it use
up the visitor's limits. Forms of our pages carry a token as well (pages/form_tokens.py).
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, request

from auth_service.http.cors import is_registered
from auth_service.http.problems import Problem, Refusal

FOREIGN_ORIGIN: Final = Problem(
    status=HTTPStatus.FORBIDDEN,
    code="foreign_origin",
    title="This request was sent by another site's page.",
    detail="Send it from our own page, or from a server, without an Origin header.",
)
_LOOPBACK: Final = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_foreign_origins(
    app: Flask,
    *,
    public_url: str,
    forms: AbstractSet[str] = frozenset(),
    origins: AbstractSet[str] = frozenset(),
) -> None:
    """Answers 403 to what changes something and comes from a page that is not ours.

    Ours are those of the configured address, and on this machine those of the address a request was sent to: any other name in a
    `Host` may be somebody else's, who had it resolved to us (DNS rebinding). A request without an `Origin` comes from no page at
    all; `Origin: null` from one that hides who it is, as our own do: they send no referrer, and then a form has no origin either.
    From a form it is taken if `Sec-Fetch-Site` says that it is ours, or if the browser is too old to say anything.

    Args:
        app: the application.
        public_url: where people reach it.
        forms: endpoints that forms of our pages post to.
        origins: of applications, whose pages may make every call but those.
    """
    parts = urlsplit(public_url)
    ours = f"{parts.scheme}://{parts.netloc}".lower()

    def check() -> None:
        if request.method in _SAFE or is_registered(origins, forms):
            return
        origin = request.headers.get("Origin")
        if request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
            raise Refusal(FOREIGN_ORIGIN)
        if origin == "null" and request.endpoint in forms:
            return
        if (
            origin is not None
            and origin.lower() != ours
            and not _is_local(origin, request.headers.get("Host", ""))
        ):
            raise Refusal(FOREIGN_ORIGIN)

    app.before_request(check)


def _is_local(origin: str, host: str) -> bool:
    """Says whether both are the same name or address of this machine."""
    scheme, _, netloc = origin.lower().partition("://")
    return scheme in {"http", "https"} and netloc == host.lower() and bool(_LOOPBACK.fullmatch(netloc))
