"""Cookies: each only for this host, over TLS, out of reach of scripts, and not sent along by other sites' forms (RFC 6265bis)."""

from __future__ import annotations

from datetime import timedelta

from flask import Response


def set_cookie(response: Response, name: str, value: str, *, keep: timedelta | None = None) -> None:
    """Has the browser keep a value.

    Browsers refuse a `__Host-` cookie without `Secure`, with a domain or with another path. Lax, not Strict: whoever comes by a
    link in an email is signed in.

    Args:
        response: that tells it.
        name: begins with `__Host-`.
        value: of characters that need no quoting.
        keep: for how long; until it is closed if left out.
    """
    response.set_cookie(name, value, max_age=keep, secure=True, httponly=True, samesite="Lax", path="/")


def forget_cookie(response: Response, name: str) -> None:
    """Has the browser forget it."""
    response.delete_cookie(name, secure=True, httponly=True, samesite="Lax", path="/")
