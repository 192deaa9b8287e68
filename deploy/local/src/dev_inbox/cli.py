"""`dev-inbox`: the inbox as a process."""

from __future__ import annotations

import asyncio
import signal
from typing import cast, get_args

import click

from dev_inbox.endpoint import Endpoint
from dev_inbox.errors import CannotListen
from dev_inbox.mailbox import MESSAGES_KEPT
from dev_inbox.service import Service
from mail_contract.telemetry import LogFormat, configure_logging


class EndpointType(click.ParamType[Endpoint]):
    """`HOST:PORT`, an IPv6 host in brackets; port 0 is any free one."""

    name = "host:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Endpoint:
        """Reads one endpoint."""
        if isinstance(value, Endpoint):
            return value
        host, colon, port = str(value).rpartition(":")
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if not host or not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            self.fail(f"{value!r} is not HOST:PORT", param, ctx)
        return Endpoint(host=host, port=int(port))


@click.command(context_settings={"show_default": True})
@click.option("--smtp", type=EndpointType(), default="127.0.0.1:1025", help="Where to take mail.")
@click.option("--http", type=EndpointType(), default="127.0.0.1:8025", help="Where to show mail.")
@click.option(
    "--keep", type=click.IntRange(min=1), default=MESSAGES_KEPT, help="Messages kept; then the oldest go."
)
@click.option(
    "--log-format",
    type=click.Choice(get_args(LogFormat)),
    default="json",
    envvar="POSTERN_LOG_FORMAT",
    show_envvar=True,
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    envvar="POSTERN_LOG_LEVEL",
    show_envvar=True,
)
def main(*, smtp: Endpoint, http: Endpoint, keep: int, log_format: str, log_level: str) -> None:
    """A mail server for development: takes every letter, delivers none, shows all in a browser."""
    configure_logging(service="inbox", format=cast("LogFormat", log_format), level=log_level)
    try:
        asyncio.run(_serve(Service(smtp=smtp, http=http, messages_kept=keep)))
    except CannotListen as error:
        raise click.ClickException(f"cannot listen on {error}") from error


async def _serve(service: Service) -> None:
    await service.start()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await service.stop()
