"""SMTP and HTTP on one event loop, started and stopped together."""

from __future__ import annotations

from contextlib import ExitStack

import structlog
from tornado.httpserver import HTTPServer

from dev_inbox.endpoint import Endpoint
from dev_inbox.listener import Listener
from dev_inbox.mailbox import BYTES_KEPT, MESSAGES_KEPT
from dev_inbox.reception import Reception
from dev_inbox.routes import build_application
from dev_inbox.terms import Terms

log = structlog.get_logger(__name__)

# Room for a script that answers with a line of a megabyte.
_BODY_BYTES_AT_MOST = 4 * 2**20


class Service:
    """The inbox inside a running event loop.

    Attributes:
        smtp: where it takes mail; STARTTLS if the terms hold a certificate.
        smtps: where it takes mail under TLS from the first byte; None is nowhere, as without a certificate.
        http: where it shows mail.
    """

    def __init__(
        self,
        *,
        smtp: Endpoint,
        http: Endpoint,
        smtps: Endpoint | None = None,
        terms: Terms | None = None,
        messages_kept: int = MESSAGES_KEPT,
        bytes_kept: int = BYTES_KEPT,
    ) -> None:
        self.reception = Reception(terms=terms, messages_kept=messages_kept, bytes_kept=bytes_kept)
        self.smtp = smtp
        self.smtps = None if self.reception.terms.tls is None else smtps
        self.http = http
        self._listener = Listener(self.reception)
        self._http: HTTPServer | None = None

    async def start(self) -> None:
        """Listens on all; from then on `smtp`, `smtps` and `http` say where. Raises CannotListen."""
        with ExitStack() as opened:
            mail = opened.enter_context(self.smtp.listen())
            web = opened.enter_context(self.http.listen())
            secure_mail = opened.enter_context(self.smtps.listen()) if self.smtps else None
            opened.pop_all()
        self.smtp, self.http = self.smtp.at(mail), self.http.at(web)
        await self._listener.start(mail)
        if self.smtps is not None and secure_mail is not None:
            self.smtps = self.smtps.at(secure_mail)
            await self._listener.start(secure_mail, implicit_tls=self.reception.terms.tls)
        application = build_application(self.reception, smtp_url=f"smtp://{self.smtp}")
        self._http = HTTPServer(application, max_body_size=_BODY_BYTES_AT_MOST)
        self._http.add_sockets([web])
        secure = {"smtps": str(self.smtps)} if self.smtps else {}
        log.info("inbox_ready", smtp=str(self.smtp), http=str(self.http), **secure)

    async def stop(self) -> None:
        """Closes every socket; what was kept is gone with the process."""
        if self._http is not None:
            self._http.stop()
            await self._http.close_all_connections()
        await self._listener.stop()
        log.info("inbox_stopped")
