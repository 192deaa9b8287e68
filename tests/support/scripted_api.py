"""The pages on a server of their own, with an API behind them that answers what a test says: no database, no broker."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import BrowserContext, Route
from werkzeug.serving import make_server

from support.auth_api import AuthApi

PATIENCE_SECONDS = 10


@contextmanager
def serving_pages(public_url: str = "http://127.0.0.1") -> Iterator[str]:
    """The pages as they are below `public_url`; yields where they are really served. At port 1 no database listens."""
    api = AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth", public_url=public_url)
    with serving(api.app) as address:
        yield address


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """An application of this process at an address that it yields."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(PATIENCE_SECONDS)
        server.server_close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the API says once."""

    status: int = HTTPStatus.OK
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, code: str, **more: Any) -> Answer:
    """A problem document."""
    return Answer(status=status, body={"code": code, "status": status, "title": code, **more})


def receipt(*states: str, final: bool = False, poll_after: float = 0.2) -> Answer:
    """A receipt that came to the last of these states through the others."""
    timeline = [{"at": f"2027-01-31T09:30:0{n}Z", "state": state} for n, state in enumerate(states)]
    return Answer(
        body={"state": states[-1], "final": final, "timeline": timeline}
        | ({} if final else {"poll_after": poll_after})
    )


REGISTERED = Answer(
    status=HTTPStatus.ACCEPTED,
    body={"receipt": "receipt-1", "registration_secret": "secret-1", "resend_after": 60},
)


@dataclass(kw_only=True)  # without slots: Playwright keeps notes of its own on whose methods it calls
class ScriptedApi:
    """Answers the calls of a browser's windows, in the order a test gave; the last answer to a call is given for ever."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _answers: dict[str, list[Answer | None]] = field(default_factory=dict)

    def on(self, call: str, *answers: Answer | None) -> None:
        """From now on answer `METHOD /path` so; None breaks the connection."""
        self._answers[call] = list(answers)

    def bodies(self, call: str) -> list[dict[str, Any]]:
        """What was posted there."""
        return [body for asked, body in self.asked if asked == call]

    def answer(self, context: BrowserContext) -> None:
        """Begin with this browser's windows."""
        context.route("**/v1/**", self._answer)

    def _answer(self, route: Route) -> None:
        request = route.request
        call = f"{request.method} {urlsplit(request.url).path}"
        self.asked.append((call, json.loads(request.post_data or "{}")))
        answers = self._answers[call]
        given = answers.pop(0) if len(answers) > 1 else answers[0]
        if given is None:
            route.abort()
            return
        body = "" if given.body is None else json.dumps(given.body)
        headers = {"Content-Type": "application/json", **given.headers}
        route.fulfill(status=given.status, body=body, headers=headers)
