"""Applications that tests register, and what a careful client of one does by hand: the steps of RFC 6749, one by one."""

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.test import TestResponse

from auth_service.application_settings import parse_applications
from auth_service.security.secrets import Secret
from support.auth_api import AuthApi
from support.signed_in import FIREFOX, SignedIn
from support.visitor import Visitor

SECRET = "a-secret-of-the-shop-which-is-long-enough"
NEXT_SECRET = "the-secret-that-the-shop-will-have-next.."
BACK = "https://shop.example/back"
PHONE_BACK = "com.example.phone:/back"
LOOPBACK = "http://127.0.0.1/back"
ORIGIN = "https://shop.example"

REGISTERED = [
    {
        "id": "shop",
        "name": "The Shop",
        "secret_sha256": [hashlib.sha256(secret.encode()).hexdigest() for secret in (SECRET, NEXT_SECRET)],
        "redirect_uris": [BACK, "https://shop.example/other?from=gate"],
        "origins": [ORIGIN],
        "audience": "https://api.shop.example",
        "logo_text": "SHOP!",
        "color": "#7a1fa2",
        "color_dark": "#d7a6ee",
    },
    {"id": "phone", "name": "The Phone", "public": True, "redirect_uris": [PHONE_BACK, LOOPBACK]},
    {
        "id": "bank",
        "name": "The Bank",
        "secret_sha256": [hashlib.sha256(b"another-secret-of-another-application").hexdigest()],
        "redirect_uris": ["https://bank.example/back"],
    },
]
BANK_SECRET = "another-secret-of-another-application"
APPLICATIONS = parse_applications(json.dumps(REGISTERED))


def basic(client_id: str, secret: str) -> str:
    """The header of `client_secret_basic`."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


SHOP = basic("shop", SECRET)
BANK = basic("bank", BANK_SECRET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client of one application, with the state and the verifier of one request."""

    api: AuthApi
    client_id: str = "shop"
    redirect_uri: str = BACK
    authorization: str = SHOP
    state: str = "a state &=?"
    verifier: str = "a-verifier-of-forty-three-characters-or-more"

    @classmethod
    def public(cls, api: AuthApi) -> Self:
        return cls(api=api, client_id="phone", redirect_uri=PHONE_BACK, authorization="")

    def but(self, **changes: str) -> Self:
        return replace(self, **changes)  # type: ignore[arg-type]

    def address(self, **changes: str | None) -> str:
        """Where it sends people; a parameter that is None is left out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        return "/v1/authorize?" + urlencode(
            {name: value for name, value in query.items() if value is not None}
        )

    def asked(self, visitor: Visitor, **changes: str | None) -> TestResponse:
        """What a browser is answered that it sends there."""
        return visitor.client.get(self.address(**changes), headers={"User-Agent": FIREFOX})

    def pressed(self, visitor: Visitor, **changes: str | None) -> TestResponse:
        """What a browser is answered whose person presses the button of the page there."""
        address = self.address(**changes)
        assert visitor.open(address).status_code == 200
        return visitor.post(address, **visitor.hidden("/v1/authorize"))

    def code(self, visitor: Visitor, **changes: str | None) -> str:
        """The code that a signed-in browser brings back from a site."""
        return came_back(self.asked(visitor, **changes))["code"]

    def token(self, **parameters: str) -> TestResponse:
        """What the token endpoint answers it."""
        own = {} if self.authorization else {"client_id": self.client_id}
        return self.post("/v1/token", {**own, **parameters})

    def post(self, path: str, parameters: dict[str, str]) -> TestResponse:
        headers = {"Authorization": self.authorization} if self.authorization else {}
        return self.api.app.test_client().post(path, data=parameters, headers=headers)

    def exchange(self, code: str, **changes: str) -> TestResponse:
        """What it gets for a code."""
        return self.token(
            **{
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.redirect_uri,
                "code_verifier": self.verifier,
                **changes,
            }
        )

    def refresh(self, refresh_token: str) -> TestResponse:
        """What it gets for a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token)

    def signed_in(self, visitor: Visitor) -> SignedIn:
        """The session that it gets for a signed-in browser's person."""
        return SignedIn.of(self.api, self.exchange(self.code(visitor)))


def came_back(answer: TestResponse, *, to: str = BACK) -> dict[str, str]:
    """The parameters with which a browser is sent back to an application."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["Location"]
    assert location.partition("?")[0] == to, location
    return dict(parse_qsl(urlsplit(location).query, strict_parsing=True))


def unknown_code() -> str:
    """A code that looks like one."""
    return Secret.new().text
