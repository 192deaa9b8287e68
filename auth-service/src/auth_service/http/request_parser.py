"""① Reading a request whole before a thread takes it; what is no proper request of HTTP/1 never reaches Flask.

Waitress parses; here stands what is refused beyond that, how an error is answered, and how much of a body is kept.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

import structlog
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest

from auth_service.http.body import MAX_BODY_BYTES, TOO_LARGE
from auth_service.http.headers import REQUEST_ID
from auth_service.http.problems import BAD_REQUEST, INTERNAL_ERROR, MEDIA_TYPE, Problem, document_of

MAX_HEADER_BYTES: Final = 16 * 1024
"""Request line and headers together."""

MAX_RECEIVED_BYTES: Final = 4 * 1024 * 1024
"""Of a body that is too large: so much is received and dropped, so that its sender reads our answer instead of a reset."""

MAX_CHUNK_LINE_BYTES: Final = 2 * 1024
"""Of the line before a chunk, and of the lines behind the last one. Waitress keeps what it has of them and looks through it again
at each packet, with no bound of its own."""

URI_TOO_LONG: Final = Problem(
    status=HTTPStatus.REQUEST_URI_TOO_LONG,
    code="uri_too_long",
    title="The address of this request is too long.",
    detail=f"Keep the request line and the headers under {MAX_HEADER_BYTES} bytes together.",
)
HEADERS_TOO_LARGE: Final = Problem(
    status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    code="headers_too_large",
    title="The headers of this request are too large.",
    detail=f"Keep the request line and the headers under {MAX_HEADER_BYTES} bytes together.",
)
NOT_IMPLEMENTED: Final = Problem(
    status=HTTPStatus.NOT_IMPLEMENTED,
    code="transfer_coding_not_implemented",
    title="This transfer coding isn't supported.",
    detail="Send the body with Content-Length, or with Transfer-Encoding: chunked.",
)
VERSION_NOT_SUPPORTED: Final = Problem(
    status=HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
    code="http_version_not_supported",
    title="This version of HTTP isn't supported.",
    detail="Use HTTP/1.1.",
)
WIRE_PROBLEMS: Final = (
    BAD_REQUEST,
    URI_TOO_LONG,
    HEADERS_TOO_LARGE,
    NOT_IMPLEMENTED,
    VERSION_NOT_SUPPORTED,
)
"""What may be wrong with any request, whatever it asks for."""

_BY_STATUS: Final[Mapping[int, Problem]] = MappingProxyType(
    {problem.status.value: problem for problem in (*WIRE_PROBLEMS, TOO_LARGE, INTERNAL_ERROR)}
)
# RFC 9112 section 3.2: a name, an IPv4 address or an IPv6 address in brackets, and a port.
_HOST = re.compile(r"(?:[A-Za-z0-9._~%!$&'()*+;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")

_VERSIONS: Final = frozenset({"1.0", "1.1"})
_REFUSED: Final = "refused"
"""Waitress wants a message; nobody reads it."""

_log = structlog.get_logger(__name__)


class RequestParser(HTTPRequestParser):  # type: ignore[misc] # waitress is untyped
    """One request, as it comes in.

    Attributes:
        arrived: when the last byte of it reached this machine, in seconds on the monotonic clock.
    """

    arrived: float = 0.0
    completed: bool
    error: Any

    def __init__(self, adjustments: Any, *, unread_seconds: Callable[[], float] = lambda: 0.0) -> None:
        """Takes how long the bytes that are read now have been here unread."""
        super().__init__(adjustments)
        self._unread_seconds = unread_seconds

    def received(self, data: bytes) -> int:
        """Takes what came; returns how much of it belongs to this request."""
        line_ended = b"\n" in self.header_plus.lstrip() or b"\n" in data.lstrip()
        consumed: int = super().received(data)
        if not self.completed and self._frames_endlessly():
            self.error, self.completed = BadRequest(_REFUSED), True
        if self.completed:
            self.arrived = time.monotonic() - self._unread_seconds()
            if self.error is not None:
                self.error = WireError(self._problem(line_ended=line_ended))
        return consumed

    def _frames_endlessly(self) -> bool:
        body = self.body_rcv
        return (
            isinstance(body, ChunkedReceiver)
            and max(len(body.control_line), len(body.trailer)) > MAX_CHUNK_LINE_BYTES
        )

    def _problem(self, *, line_ended: bool) -> Problem:
        problem = _BY_STATUS.get(self.error.code, BAD_REQUEST)
        if problem is HEADERS_TOO_LARGE and not line_ended:
            return URI_TOO_LONG
        if problem is BAD_REQUEST and self.version and self.version not in _VERSIONS:
            return VERSION_NOT_SUPPORTED
        return problem

    def parse_header(self, header_plus: bytes) -> None:
        """Parses; raises ParsingError where two programs could read the request differently."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a port or a number that is none; the message quotes it
            raise ParsingError(_REFUSED) from error
        if self.version not in _VERSIONS:
            raise ParsingError(_REFUSED)
        host = self.headers.get("HOST")
        if (host is None and self.version == "1.1") or (host is not None and not _HOST.fullmatch(host)):
            raise ParsingError(_REFUSED)
        if (self.chunked and "CONTENT_LENGTH" in self.headers) or "TRANSFER_ENCODING" in self.headers:
            raise ParsingError(_REFUSED)  # request smuggling, RFC 9112 section 6.1
        if self.body_rcv is not None:
            self.body_rcv.buf = _Body()


class WireError:
    """How waitress is told to answer."""

    def __init__(self, problem: Problem) -> None:
        self.code = problem.status.value
        self._problem = problem

    def to_response(self, headers: Mapping[str, str]) -> tuple[str, Sequence[tuple[str, str]], bytes]:
        """Returns status line, headers and body; whatever was wrong with the request is repeated nowhere."""
        request_id = uuid4().hex
        problem = self._problem
        _log.info("request_not_understood", status=self.code, code=problem.code, correlation_id=request_id)
        sent = {**headers, "Content-Type": MEDIA_TYPE, REQUEST_ID: request_id}
        return (
            f"{self.code} {problem.status.phrase}",
            list(sent.items()),
            document_of(problem, request_id=request_id),
        )


class _Body:
    """Keeps so much of a body that the application sees whether it is too large; the rest is dropped."""

    def __init__(self) -> None:
        self._kept = BytesIO()

    def append(self, data: bytes) -> None:
        self._kept.write(data[: MAX_BODY_BYTES + 1 - self._kept.tell()])

    def __len__(self) -> int:
        return len(self._kept.getvalue())

    def getfile(self) -> Any:
        self._kept.seek(0)
        return self._kept

    def close(self) -> None:
        self._kept.close()
