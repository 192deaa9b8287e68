"""The kinds of values both services are configured with; what is wrong with one is said without repeating it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mail_contract.errors import BadKey
from mail_contract.settings import ServiceSettings


class ProcessSettings(ServiceSettings):
    """What every process of either service reads."""

    model_config = SettingsConfigDict(frozen=True)

    log_format: Literal["json", "console"] = Field(default="json", validation_alias="POSTERN_LOG_FORMAT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", validation_alias="POSTERN_LOG_LEVEL"
    )


def _database_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"postgresql", "postgres", "postgresql+psycopg2"} or not parts.path.strip("/"):
        raise ValueError("must look like postgresql://user:password@host:port/database")
    return value


def _broker_url(value: SecretStr) -> SecretStr:
    for node in value.get_secret_value().split(";"):
        if urlsplit(node).scheme not in {"amqp", "amqps"} or not urlsplit(node).hostname:
            raise ValueError(
                "must look like amqp://user:password@host:port/vhost, a cluster's nodes with ; between"
            )
    return value


def _host_and_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must be host:port")
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker_url)]
"""One address, or those of a cluster's nodes with `;` between: where one does not answer, kombu asks the next."""
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]


def holds_keys(read: Callable[[str], object]) -> AfterValidator:
    """Returns a validator that refuses text in which `read`, a `from_json` of `mail_contract.keys`, finds no keys."""

    def check(value: SecretStr) -> SecretStr:
        try:
            read(value.get_secret_value())
        except BadKey as error:
            raise ValueError(str(error)) from None
        return value

    return AfterValidator(check)
