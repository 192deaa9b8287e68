"""An API in Flask that takes Postern's access tokens.

POSTERN_URL=http://127.0.0.1:8000 flask --app flask_app run --port 3001
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import jwt
from flask import Flask, Response, abort, g, jsonify, make_response, request

POSTERN = os.environ["POSTERN_URL"]  # its AUTH_PUBLIC_URL
AUDIENCE = os.environ.get("POSTERN_AUDIENCE", POSTERN)  # its AUTH_AUDIENCE

app = Flask(__name__)
keys = jwt.PyJWKClient(f"{POSTERN}/.well-known/jwks.json", lifespan=300)


def signed_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answers 401 to whoever has no access token that is good now."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
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
            abort(make_response({"detail": "Sign in first."}, 401, {"WWW-Authenticate": "Bearer"}))
        g.person = found["payload"]
        return view(*args, **kwargs)

    return guarded


@app.get("/orders")
@signed_in
def orders() -> Response:
    """Only for people who are signed in."""
    return jsonify(account=g.person["sub"], orders=[])
