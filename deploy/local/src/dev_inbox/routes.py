"""Which address leads to which handler."""

from __future__ import annotations

from tornado.web import Application

from dev_inbox import api
from dev_inbox.answers import NotFound, log_request
from dev_inbox.news import NewsStream
from dev_inbox.pages import HtmlPart, Page
from dev_inbox.reception import Reception


def build_application(reception: Reception, *, smtp_url: str) -> Application:
    """Builds the HTTP side; `smtp_url` is shown to people."""
    shared = {"reception": reception}
    return Application(
        [
            (r"/", Page, {**shared, "smtp_url": smtp_url}),
            (r"/messages/([0-9a-f]+)/html", HtmlPart, shared),
            (r"/healthz", api.Health, shared),
            (r"/api/messages", api.Messages, shared),
            (r"/api/messages/([0-9a-f]+)", api.OneMessage, shared),
            (r"/api/messages/([0-9a-f]+)/source", api.Source, shared),
            (r"/api/script", api.RunningScript, shared),
            (r"/api/connections", api.ConnectionsSeen, shared),
            (r"/api/events", NewsStream, shared),
        ],
        default_handler_class=NotFound,
        default_handler_args=shared,
        log_function=log_request,
    )
