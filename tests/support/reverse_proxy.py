"""A reverse proxy as an installation has one: it serves a path of its address, and says whom it asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

_KEPT = frozenset({"content-type", "location", "retry-after", "content-language"})


@contextmanager
def reverse_proxy(path: str, *, strips: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the proxy's own address with the path, and a mapping whose `target` the caller sets.

    Args:
        path: below which it serves, such as `/gate`; everything else is 404.
        strips: whether it takes the path away.
    """
    target: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            inner = self.path.removeprefix(path)
            if inner == self.path or not inner.startswith("/"):
                self._answer(404, {}, b"the proxy has nothing here")
                return
            length = int(self.headers.get("Content-Length", 0))
            headers = {
                name: self.headers[name]
                for name in ("Content-Type", "Origin", "Accept-Language", "Sec-Fetch-Site", "Accept")
                if name in self.headers
            }
            answer = httpx.request(
                self.command,
                target["target"] + (inner if strips else self.path),
                content=self.rfile.read(length),
                headers={
                    **headers,
                    "X-Forwarded-For": self.client_address[0],
                    "X-Forwarded-Host": "evil.example",
                },
            )
            kept = {name: value for name, value in answer.headers.items() if name in _KEPT}
            self._answer(answer.status_code, kept, answer.content)

        do_GET = do_POST = _pass_on  # noqa: N815 - the library's names

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{path}", target
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
