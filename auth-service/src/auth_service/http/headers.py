"""What every answer says to a browser, also those that are made before Flask sees the request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

REQUEST_ID: Final = "X-Request-ID"
REQUEST_ID_FORM: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_STRICT_TRANSPORT: Final = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


def standard_headers(*, over_tls: bool) -> Mapping[str, str]:
    """Returns the headers of every answer; a page sets its own Content-Security-Policy.

    Args:
        over_tls: whether people reach us by https only, so that browsers may be told to insist on it.
    """
    return _HEADERS | _STRICT_TRANSPORT if over_tls else _HEADERS
