"""① `AUTH_PUBLIC_URL=https://host/gate`: the same application, whether the proxy in front takes the path away or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BelowPath:
    """WSGI: takes the path of the public address off a request's, where it is still there.

    Attributes:
        application: what answers.
        base: such as `/gate`; empty for none. No route begins with it, which the settings see to.
    """

    application: WsgiApp
    base: str

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Passes the request on."""
        path = str(environ.get("PATH_INFO", ""))
        if self.base and f"{path}/".startswith(f"{self.base}/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self.base
            environ["PATH_INFO"] = path[len(self.base) :] or "/"
        return self.application(environ, start_response)
