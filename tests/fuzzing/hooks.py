"""Who asks: somebody with an account, who signs in anew whenever a call before has ended the session."""

from __future__ import annotations

import os
from typing import Any

import httpx
import schemathesis

API = os.environ["POSTERN_API"]
CREDENTIALS = {"email": os.environ["POSTERN_EMAIL"], "password": os.environ["POSTERN_PASSWORD"]}
ENDS_SESSIONS = ("/v1/sessions", "/v1/sessions/current", "/v1/sessions/{session_id}")


@schemathesis.auth(refresh_interval=None)
class Somebody:
    """Keeps an access token, but after a call that ends sessions."""

    def __init__(self) -> None:
        self.token = ""

    def get(self, case: Any, _context: Any) -> str:
        """Returns an access token that is good."""
        if not self.token:
            answer = httpx.post(f"{API}/v1/sessions", json=CREDENTIALS, timeout=30)
            self.token = str(answer.raise_for_status().json()["access_token"])
        token = self.token
        if case.method == "DELETE" and case.path in ENDS_SESSIONS:
            self.token = ""
        return token

    def set(self, case: Any, data: str, _context: Any) -> None:
        """Sends it."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
