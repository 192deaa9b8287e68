"""A thin client of RabbitMQ's management API, for the privileged step that owns the topology."""

from __future__ import annotations

from ssl import SSLContext
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from postern_rabbitmq.errors import TopologyError
from service_runtime.urls import read_url


class BrokerAdmin:
    """Speaks to `http://user:password@host:port`, the management plugin, as an administrator."""

    def __init__(self, url: str, *, timeout: float = 10.0, trust: SSLContext | None = None) -> None:
        """`trust` is whom to believe over HTTPS, the public authorities unless given: to read them takes a while."""
        try:
            parts = read_url(url, schemes={"http", "https"})
        except ValueError as error:
            raise TopologyError(f"The management URL {error}.") from None
        if not parts.host or not parts.user:
            raise TopologyError("The management URL needs the form http://user:password@host:port.")
        self.user = parts.user
        host = f"[{parts.host}]" if ":" in parts.host else parts.host
        self._client = httpx.Client(
            base_url=f"{parts.scheme}://{host}:{parts.port or 15672}/api/",
            # Octets: of text httpx takes ASCII only.
            auth=(self.user.encode(), (parts.password or "").encode()),
            timeout=timeout,
            verify=trust or True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, *path: str) -> Any:
        """Returns the JSON of the resource; raises TopologyError."""
        return self._call("GET", path).json()

    def version(self) -> str:
        """Returns the broker's version, as `4.3.6`; raises TopologyError."""
        return str(self.get("overview").get("rabbitmq_version", ""))

    def put(self, *path: str, body: dict[str, Any]) -> None:
        """Creates or replaces the resource; raises TopologyError."""
        self._call("PUT", path, body)

    def post(self, *path: str, body: dict[str, Any]) -> Any:
        """Posts to the resource and returns what it answers, None where that is nothing; raises TopologyError."""
        answer = self._call("POST", path, body)
        return (
            answer.json() if answer.headers.get("content-type", "").startswith("application/json") else None
        )

    def delete(self, *path: str) -> None:
        """Deletes the resource; raises TopologyError."""
        self._call("DELETE", path)

    def _call(self, method: str, path: tuple[str, ...], body: dict[str, Any] | None = None) -> httpx.Response:
        where = "/".join(quote(part, safe="") for part in path)
        try:
            answer = self._client.request(method, where, json=body)
        except httpx.HTTPError as error:
            raise TopologyError(f"{method} {where}: {type(error).__name__}") from error
        if answer.is_error:
            raise TopologyError(f"{method} {where}: {answer.status_code} {_reason(answer)}")
        return answer


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("reason", ""))
    except ValueError:
        return ""
