"""SMTP and HTTP on one event loop, started and stopped together."""

from __future__ import annotations

import structlog
from tornado.httpserver import HTTPServer

from dev_inbox.endpoint import Endpoint
from dev_inbox.errors import CannotListen
from dev_inbox.mailbox import MESSAGES_KEPT
from dev_inbox.reception import Reception
from dev_inbox.routes import build_application
from dev_inbox.smtp import Listener

log = structlog.get_logger(__name__)

# Room for a script that answers with a line of a megabyte.
_BODY_BYTES_AT_MOST = 4 * 2**20


class Service:
    """The inbox inside a running event loop."""

    def __init__(self, *, smtp: Endpoint, http: Endpoint, messages_kept: int = MESSAGES_KEPT) -> None:
        self.reception = Reception(messages_kept=messages_kept)
        self.smtp = smtp
        self.http = http
        self._listener = Listener(self.reception)
        self._http: HTTPServer | None = None

    async def start(self) -> None:
        """Listens on both; from then on `smtp` and `http` say where. Raises CannotListen."""
        mail = self.smtp.listen()
        try:
            web = self.http.listen()
        except CannotListen:
            mail.close()
            raise
        self.smtp, self.http = self.smtp.at(mail), self.http.at(web)
        await self._listener.start(mail)
        application = build_application(self.reception, smtp_url=f"smtp://{self.smtp}")
        self._http = HTTPServer(application, max_body_size=_BODY_BYTES_AT_MOST)
        self._http.add_sockets([web])
        log.info("inbox_ready", smtp=str(self.smtp), http=str(self.http))

    async def stop(self) -> None:
        """Closes every socket; what was kept is gone with the process."""
        if self._http is not None:
            self._http.stop()
            await self._http.close_all_connections()
        await self._listener.stop()
        log.info("inbox_stopped")
