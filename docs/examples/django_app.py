"""An API in Django that takes Postern's access tokens, settings and all in one file.

POSTERN_URL=http://127.0.0.1:8000 python django_app.py runserver --noreload 3002
"""

import os
import secrets
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import jwt
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path

POSTERN = os.environ["POSTERN_URL"]  # its AUTH_PUBLIC_URL
AUDIENCE = os.environ.get("POSTERN_AUDIENCE", POSTERN)  # its AUTH_AUDIENCE

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY=secrets.token_hex())
keys = jwt.PyJWKClient(f"{POSTERN}/.well-known/jwks.json", lifespan=300)


def signed_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answers 401 to whoever has no access token that is good now."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            found = jwt.decode_complete(
                token,
                keys.get_signing_key_from_jwt(token),
                algorithms=["ES256"],
                issuer=POSTERN,
                audience=AUDIENCE,
                options={"require": ["exp", "sub"]},
            )
        except (jwt.InvalidTokenError, jwt.PyJWKClientError):
            found = {"header": {}, "payload": {}}
        if found["header"].get("typ") != "at+jwt":
            return JsonResponse(
                {"detail": "Sign in first."}, status=401, headers={"WWW-Authenticate": "Bearer"}
            )
        return view(request, found["payload"], *args, **kwargs)

    return guarded


@signed_in
def orders(_request: HttpRequest, person: dict[str, Any]) -> JsonResponse:
    """Only for people who are signed in."""
    return JsonResponse({"account": person["sub"], "orders": []})


urlpatterns = [path("orders", orders)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
