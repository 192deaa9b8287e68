"""① The way home: whoever comes from an application goes back to it when they have signed in, in whatever tab they do.

Where somebody was going stands in the address of the page and in its form. A link in an email opens a page without either, so the
browser keeps it, too, for as long as a sign-up takes; it is the application's own request, and holds no secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs

from flask import Response, request

from auth_service.http.set_cookie import forget_cookie, set_cookie

AUTHORIZE: Final = "/v1/authorize"
WAY_COOKIE: Final = "__Host-postern-way"
_KEPT_FOR: Final = timedelta(minutes=30)
_MOST: Final = 2500
"""Characters; a browser keeps 4,096 bytes."""

# Nothing that a browser may take for another host, such as `//` or a backslash.
# Of the account's page no query either: it would have the page say that something was saved.
_ACCOUNT: Final = re.compile(r"/account(?:#[\x21-\x5b\x5d-\x7e]*)?")
_APPLICATION: Final = re.compile(rf"{AUTHORIZE}\?[\x21-\x5b\x5d-\x7e]*")


def checked(way: str) -> str:
    """Returns a way that is one of ours; empty for every other."""
    return way if _ACCOUNT.fullmatch(way) or leads_home(way) else ""


def leads_home(way: str) -> bool:
    """Says whether a way leads to an application."""
    return _APPLICATION.fullmatch(way) is not None


def client_of(way: str) -> str:
    """Returns the `client_id` of the application that a way leads to; empty where it leads to none."""
    if not leads_home(way):
        return ""
    return "".join(parse_qs(way.partition("?")[2]).get("client_id", []))


def keep_way(response: Response, way: str) -> Response:
    """Has the browser keep where its person was going."""
    if len(way) <= _MOST:
        encoded = base64.urlsafe_b64encode(way.encode()).rstrip(b"=").decode()
        set_cookie(response, WAY_COOKIE, encoded, keep=_KEPT_FOR)
    return response


def kept_way() -> str:
    """Returns what the browser keeps; empty for nothing."""
    text = request.cookies.get(WAY_COOKIE, "")
    try:
        way = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return way if leads_home(way) else ""


def forget_way(response: Response) -> Response:
    """Has the browser forget it, once its person has gone."""
    if WAY_COOKIE in request.cookies:
        forget_cookie(response, WAY_COOKIE)
    return response
