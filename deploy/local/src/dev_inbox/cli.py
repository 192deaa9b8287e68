"""`dev-inbox`: the inbox as a process."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import cast, get_args

import click

from dev_inbox.mailbox import MESSAGES_KEPT
from dev_inbox.service import BadCertificate, CannotListen, Endpoint, Service, read_certificate
from dev_inbox.state import Login, Policy
from service_runtime.telemetry import LogFormat, configure_logging


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


class LoginType(click.ParamType[Login]):
    """A file that holds `user:password`."""

    name = "file"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Login:
        """Reads the file."""
        if isinstance(value, Login):
            return value
        try:
            user, colon, password = Path(str(value)).read_text(encoding="utf-8").strip().partition(":")
        except (OSError, UnicodeDecodeError):
            self.fail(f"{value!r} cannot be read", param, ctx)
        if not user or not colon or not password:
            self.fail(f"{value!r} does not hold user:password", param, ctx)
        return Login(user=user, password=password)


_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(context_settings={"show_default": True})
@click.option("--smtp", type=EndpointType(), default="127.0.0.1:1025", help="Where to take mail.")
@click.option("--smtps", type=EndpointType(), help="Where to take mail under TLS from the first byte.")
@click.option("--tls-certificate", type=_FILE, help="PEM; with it, STARTTLS is offered.")
@click.option("--tls-key", type=_FILE, help="PEM, if the key is not in the file of the certificate.")
@click.option("--login-file", "login", type=LoginType(), help="Holds user:password; MAIL requires it.")
@click.option("--max-connections", type=click.IntRange(min=1), help="Beyond it: 421 4.7.0.")
@click.option(
    "--max-messages-per-second",
    type=click.IntRange(min=1),
    help="Over all connections; beyond it: 450 4.7.1.",
)
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
def main(
    *,
    smtp: Endpoint,
    smtps: Endpoint | None,
    http: Endpoint,
    tls_certificate: Path | None,
    tls_key: Path | None,
    login: Login | None,
    max_connections: int | None,
    max_messages_per_second: int | None,
    keep: int,
    log_format: str,
    log_level: str,
) -> None:
    """A mail server for development: takes every letter, delivers none, shows all in a browser."""
    for option, given in (("--smtps", smtps), ("--tls-key", tls_key)):
        if given is not None and tls_certificate is None:
            raise click.UsageError(f"{option} needs --tls-certificate")
    try:
        tls = None if tls_certificate is None else read_certificate(tls_certificate, tls_key)
    except BadCertificate as error:
        raise click.UsageError(f"--tls-certificate {error}") from error
    policy = Policy(
        tls=tls,
        login=login,
        max_connections=max_connections,
        max_messages_per_second=max_messages_per_second,
    )
    configure_logging(service="inbox", format=cast("LogFormat", log_format), level=log_level)
    try:
        asyncio.run(_serve(Service(smtp=smtp, smtps=smtps, http=http, policy=policy, messages_kept=keep)))
    except CannotListen as error:
        raise click.ClickException(f"cannot listen on {error}") from error


async def _serve(service: Service) -> None:
    await service.start()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await service.stop()
