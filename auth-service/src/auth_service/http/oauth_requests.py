"""① Requests of OAuth, read strictly: a name that occurs twice, or a character that has no place there, is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Request

from auth_service.http.body import TOO_LARGE
from auth_service.http.pages.form import read_form
from auth_service.http.problems import Refusal

_OVER_TLS: Final = "https://localhost/"
"""authlib wants to see TLS; ours ends at the proxy in front, and what is public is in the settings."""

_MOST_PARAMETERS: Final = 30
_MOST_STATE: Final = 1024
_TEXT: Final = re.compile(r"[\x20-\x7e]*")
# RFC 6749 appendix A: what an error's description may repeat.
_QUOTABLE: Final = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")


class OAuthRequest(OAuth2Request):  # type: ignore[misc] # authlib is untyped
    """A request as authlib reads it: its parameters come from one place, not from the address and the body together."""

    def __init__(self, method: str, values: Mapping[str, str]) -> None:
        super().__init__(method, _OVER_TLS)
        # A parameter without a value counts as left out (RFC 6749 section 3.1).
        self.values = {name: value for name, value in values.items() if value}
        self.payload = BasicOAuth2Payload(self.values)

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters."""
        return self.values


def authorization_request(request: Request) -> OAuthRequest:
    """Returns the parameters of an address; raises InvalidRequestError."""
    try:
        pairs = parse_qsl(
            request.query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise InvalidRequestError from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise InvalidRequestError
    return OAuthRequest("GET", _checked(values))


def token_request(request: Request) -> OAuthRequest:
    """Returns the parameters of a body; raises InvalidRequestError, or Refusal if it is too large."""
    try:
        form = read_form(request)
    except Refusal as refusal:
        if refusal.problem is TOO_LARGE:
            raise
        raise InvalidRequestError from None
    return OAuthRequest("POST", _checked(form.values))


def _checked(values: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in values.items():
        allowed = _TEXT if name == "state" else _QUOTABLE
        if not allowed.fullmatch(value) or (name == "state" and len(value) > _MOST_STATE):
            raise InvalidRequestError
    return values
