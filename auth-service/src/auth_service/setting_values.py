"""How values of our settings are read, and refused without being quoted."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from auth_service.domain.address import parse_address
from auth_service.domain.campaign import Suspicion, parse_suspicion
from auth_service.domain.forwarding import IPNetwork
from auth_service.domain.limit import Limit, parse_limit
from auth_service.errors import InvalidAddress

API_PATHS: Final = (
    ".well-known",
    "v1",
    "signup",
    "verify",
    "refuse",
    "signin",
    "signin-link",
    "signout",
    "forgot",
    "reset",
    "account",
    "confirm-email",
    "revert-email",
    "docs",
    "openapi.json",
    "healthz",
    "readyz",
    "metrics",
)
"""First parts of our own paths: a public address below one of them could not be told from the call itself."""

_PATH: Final = re.compile(
    rf"(?!/(?:{'|'.join(map(re.escape, API_PATHS))})(?:/|$))(?:/[A-Za-z0-9-][A-Za-z0-9._~-]*)*/?"
)


def _public_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:  # whose words quote the value
        raise ValueError("must be an http(s) address") from None
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise ValueError("must be the http(s) address people reach the pages at, without query or fragment")
    if not _PATH.fullmatch(parts.path):
        raise ValueError(
            "may have a path such as /gate, of letters, digits, dots and hyphens; none of the API's own"
        )
    return value.rstrip("/")


def _sign_in_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError("must be an http(s) address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError("must be the http(s) address of the page where people sign in")
    return value


def _list_url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:  # whose words quote the value
        raise ValueError("must be an http(s) address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            "must be the http(s) address of a range API, such as https://api.pwnedpasswords.com/range"
        )
    return value.rstrip("/")


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8, with commas between") from None


Networks = Annotated[tuple[IPNetwork, ...], NoDecode, BeforeValidator(_networks)]


def _limit(value: object) -> object:
    return parse_limit(value) if isinstance(value, str) else value


def _suspicion(value: object) -> object:
    return parse_suspicion(value) if isinstance(value, str) else value


LimitSetting = Annotated[Limit, NoDecode, BeforeValidator(_limit)]
SuspicionSetting = Annotated[Suspicion | None, NoDecode, BeforeValidator(_suspicion)]
DEFAULT_SUSPICION: Final = parse_suspicion("50/hour 10%")


def _probe_address(value: str) -> str:
    try:
        parse_address(value.replace("*", "0"))
    except InvalidAddress:
        raise ValueError(
            "must be an email address, with a * where something new is to stand each time"
        ) from None
    return value


ProbeAddress = Annotated[str, AfterValidator(_probe_address)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
SignInUrl = Annotated[str, AfterValidator(_sign_in_url)]
ListUrl = Annotated[str, AfterValidator(_list_url)]
