"""An API whose limits are on, and people who ask it from different places."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from itertools import count
from typing import Any

from werkzeug.test import TestResponse

from auth_service.domain.campaign import parse_suspicion
from auth_service.domain.limit import parse_limit
from support.auth_api import PASSWORD, AuthApi

PROXY = ip_network("127.0.0.0/8")
_SOMEBODY = count(1)


def limited_api(url: str, **settings: Any) -> AuthApi:
    """An API with these limits on and the others off; a proxy on loopback says where requests come from.

    What is no text is another setting.
    """
    values: dict[str, Any] = {
        name: parse_suspicion(value) if name == "campaign" else parse_limit(value)
        for name, value in settings.items()
        if isinstance(value, str)
    }
    values = settings | values
    return AuthApi.on(url, trusted_proxies=(PROXY,), proof_tries=100, **values)


def registration(email: str | None = None, **more: str) -> dict[str, str]:
    """What somebody registers with; no two are the same."""
    number = next(_SOMEBODY)
    return {"email": email or f"stranger-{number}@example.com", "password": f"{PASSWORD} {number}", **more}


def post_from(source: str, api: AuthApi, path: str, body: Mapping[str, Any]) -> TestResponse:
    """A request that the proxy has from this address."""
    return api.post(path, body, X_Forwarded_For=source)


def later(api: AuthApi, by: timedelta) -> None:
    """Let so much time pass for everything that was counted."""
    api.sql(
        "UPDATE limits SET admitted ="
        " ARRAY(SELECT at - %s FROM unnest(admitted) WITH ORDINALITY AS u(at, n) ORDER BY n)",
        by,
    )
