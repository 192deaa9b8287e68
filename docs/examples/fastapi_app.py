"""A shop whose people have accounts with Postern: they sign up, come back, see their orders and sign out.

    POSTERN_URL=http://127.0.0.1:8000 uvicorn fastapi_app:app --port 3000

Its server talks to Postern; its pages know nothing but a cookie.
"""

import os
import secrets
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import jwt
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

POSTERN = os.environ["POSTERN_URL"]  # its AUTH_PUBLIC_URL
AUDIENCE = os.environ.get("POSTERN_AUDIENCE", POSTERN)  # its AUTH_AUDIENCE
LIVES_ON_HTTPS = os.environ.get("SHOP_URL", "").startswith("https://")

app = FastAPI()
postern = httpx.Client(base_url=POSTERN, timeout=10)
keys = jwt.PyJWKClient(
    f"{POSTERN}/.well-known/jwks.json", lifespan=300
)  # fetched once, kept for five minutes


@dataclass
class Visit:
    """What the shop knows of a browser. A real one keeps it in its database, the refresh token encrypted."""

    email: str = ""
    registration_secret: str = ""
    access_token: str = ""
    refresh_token: str = ""


visits: dict[str, Visit] = {}  # by the cookie


class Refused(Exception):
    """Postern said no, and in words for people why."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.json()["code"])
        self.status = answer.status_code
        self.problem = answer.json()
        self.headers = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}


@app.exception_handler(Refused)
def show(_request: Request, refused: Refused) -> JSONResponse:
    """`code` is for the shop's own sentences, `detail` says what to do, `errors` what is wrong with which field."""
    told = {
        name: refused.problem[name]
        for name in ("code", "title", "detail", "errors")
        if name in refused.problem
    }
    return JSONResponse(told, refused.status, refused.headers)


def call(request: Request, path: str, **body: str) -> dict[str, Any]:
    """Posts to Postern for the person behind a request; returns the answer, or raises Refused.

    Postern believes what this server says of its people where AUTH_TRUSTED_PROXIES names it.
    """
    person = {
        "X-Forwarded-For": request.client.host if request.client else "",
        "User-Agent": request.headers.get("User-Agent", ""),
    }
    answer = postern.post(path, json=body, headers=person)
    if answer.is_error:
        raise Refused(answer)
    return dict(answer.json())


def claims_of(token: str) -> dict[str, Any]:
    """Returns what an access token says, or raises jwt.InvalidTokenError. Asks nobody: the key is at hand."""
    key = keys.get_signing_key_from_jwt(token)
    found = jwt.decode_complete(
        token,
        key,
        algorithms=["ES256"],
        issuer=POSTERN,
        audience=AUDIENCE,
        options={"require": ["exp", "sub"]},
    )
    if found["header"].get("typ") != "at+jwt":  # RFC 9068: another kind of JWT is no access token
        raise jwt.InvalidTokenError("not an access token")
    return dict(found["payload"])


def visit_of(visit: Annotated[str, Cookie()] = "") -> Visit:
    """Returns what is known of the browser, or answers 401."""
    if visit not in visits:
        raise HTTPException(401, "Sign in first.")
    return visits[visit]


def somebody(request: Request, visit: Annotated[Visit, Depends(visit_of)]) -> dict[str, Any]:
    """Returns the claims of whoever is signed in; a token that is too old is exchanged for the next one."""
    if not visit.refresh_token:
        raise HTTPException(401, "Sign in first.")
    try:
        return claims_of(visit.access_token)
    except jwt.ExpiredSignatureError:
        keep(visit, call(request, "/v1/sessions/refresh", refresh_token=visit.refresh_token))
        return claims_of(visit.access_token)


def keep(visit: Visit, session: dict[str, Any]) -> None:
    """Remembers a session that was opened or refreshed: the refresh token is good once, the answer brings the next."""
    visit.refresh_token, visit.access_token = session["refresh_token"], session["access_token"]


def remember(response: Response, visit: Visit) -> None:
    """Gives the browser a new cookie, also where it had one: somebody else may know the old one."""
    cookie = secrets.token_urlsafe(32)
    visits[cookie] = visit
    response.set_cookie("visit", cookie, httponly=True, samesite="lax", secure=LIVES_ON_HTTPS)


class Credentials(BaseModel):
    """What a form for signing up or in has."""

    email: str
    password: str


class Code(BaseModel):
    """The eight digits of the email."""

    code: str


@app.post("/sign-up", status_code=202)
def sign_up(form: Credentials, request: Request, response: Response) -> dict[str, str]:
    """Asks for an account. The answer is the same where there is one, so that nobody learns who has one."""
    answer = call(request, "/v1/registrations", email=form.email, password=form.password)
    remember(response, Visit(email=form.email, registration_secret=answer["registration_secret"]))
    return {"next": "Check your email, and enter the code."}


@app.post("/confirm")
def confirm(form: Code, request: Request, visit: Annotated[Visit, Depends(visit_of)]) -> dict[str, str]:
    """Proves the address: by the code and, so that it is this person's password that counts, by the registration's secret."""
    call(
        request,
        "/v1/verifications",
        email=visit.email,
        code=form.code,
        registration_secret=visit.registration_secret,
    )
    return {"next": "You have an account. Sign in."}


@app.post("/sign-in")
def sign_in(form: Credentials, request: Request, response: Response) -> dict[str, str]:
    """Opens a session: for fifteen minutes by the access token, for longer by the refresh token."""
    visit = Visit(email=form.email)
    keep(visit, call(request, "/v1/sessions", email=form.email, password=form.password))
    remember(response, visit)
    return {"next": "/orders"}


@app.get("/orders")
def orders(person: Annotated[dict[str, Any], Depends(somebody)]) -> dict[str, Any]:
    """Only for people who are signed in. `sub` never changes; an address may."""
    return {"account": person["sub"], "orders": []}


@app.get("/api/orders")
def orders_for_programs(authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
    """The same for an application on a phone, which keeps its tokens itself."""
    try:
        person = claims_of(authorization.removeprefix("Bearer "))
    except (jwt.InvalidTokenError, jwt.PyJWKClientError) as error:
        raise HTTPException(401, "Sign in first.", {"WWW-Authenticate": "Bearer"}) from error
    return {"account": person["sub"], "orders": []}


@app.post("/sign-out", status_code=204)
def sign_out(request: Request, response: Response, visit: Annotated[str, Cookie()] = "") -> None:
    """Ends the session at Postern and in the browser."""
    known = visits.pop(visit, None)
    if known and known.refresh_token:
        call(request, "/v1/sessions/revoke", refresh_token=known.refresh_token)
    response.delete_cookie("visit")
