"""The kinds of values both services are configured with; what is wrong with one is said without repeating it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mail_contract.errors import BadKey
from service_runtime.settings import ServiceSettings
from service_runtime.urls import Url, read_url


class ProcessSettings(ServiceSettings):
    """What every process of either service reads."""

    model_config = SettingsConfigDict(frozen=True)

    log_format: Literal["json", "console"] = Field(default="json", validation_alias="POSTERN_LOG_FORMAT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", validation_alias="POSTERN_LOG_LEVEL"
    )


def _database_url(value: SecretStr) -> SecretStr:
    url = _read(
        value,
        {"postgresql", "postgres", "postgresql+psycopg2"},
        "postgresql://user:password@host:port/database",
    )
    if not url.path.strip("/"):
        raise ValueError("names no database: postgresql://user:password@host:port/database")
    return value


def _broker_url(value: SecretStr) -> SecretStr:
    form = "amqp://user:password@host:port/vhost, a cluster's nodes with ; between"
    for node in value.get_secret_value().split(";"):
        if not _read(SecretStr(node), {"amqp", "amqps"}, form).host:
            raise ValueError(f"names no host: {form}")
    return value


def _admin_url(value: SecretStr) -> SecretStr:
    url = _read(value, {"http", "https"}, "http://user:password@host:port")
    if not url.host or not url.user:
        raise ValueError("names no user or no host: http://user:password@host:port")
    return value


def _read(value: SecretStr, schemes: Collection[str], form: str) -> Url:
    try:
        return read_url(value.get_secret_value(), schemes=schemes)
    except ValueError as error:
        raise ValueError(f"must look like {form}; it {error}") from None


def _host_and_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must be host:port")
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker_url)]
"""One address, or those of a cluster's nodes with `;` between: where one does not answer, kombu asks the next."""
AdminUrl = Annotated[SecretStr, AfterValidator(_admin_url)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]


def holds_keys(read: Callable[[str], object]) -> AfterValidator:
    """Returns a validator that refuses text in which `read` finds no keys, which it says by BadKey."""

    def check(value: SecretStr) -> SecretStr:
        try:
            read(value.get_secret_value())
        except BadKey as error:
            raise ValueError(str(error)) from None
        return value

    return AfterValidator(check)
