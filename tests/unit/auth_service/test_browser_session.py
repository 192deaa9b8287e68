"""① The session of a browser, where the database is away."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Flask, Response

from auth_service.db.transactions import Transactions
from auth_service.domain.session import Lifetimes
from auth_service.flows.sessions import Access, Grant, Sessions
from auth_service.http.pages.browser_session import BrowserSession
from auth_service.http.pages.form_tokens import SESSION_COOKIE
from auth_service.security.secrets import Secret
from service_runtime.database.engine import build_engine, build_sessions

LIFETIMES = Lifetimes(idle=timedelta(days=14), absolute=timedelta(days=90))
UNUSED: Any = None


def test_a_former_session_that_cannot_be_ended_takes_no_new_one_from_whoever_signed_in() -> None:
    """The new session is committed: an error would leave it open, and its person without it."""
    engine = build_engine("postgresql://auth:nobody@127.0.0.1:1/auth", application="test")
    sessions = Sessions(
        transactions=Transactions(build_sessions(engine)),
        tokens=UNUSED,
        keyed_hash=UNUSED,
        letters=UNUSED,
        lifetimes=LIFETIMES,
    )
    browser = BrowserSession(resume=UNUSED, sessions=sessions, sources=UNUSED, lifetimes=LIFETIMES)
    grant = Grant(
        session_id=uuid4(),
        access=Access(token="a", seconds=1),
        refresh_token=Secret("the-new-one"),
        refresh_seconds=1,
    )
    with Flask("test").test_request_context(headers={"Cookie": f"{SESSION_COOKIE}=the-former-one"}):
        kept = browser.keep(Response(), grant)
    assert f"{SESSION_COOKIE}=the-new-one" in kept.headers["Set-Cookie"]
