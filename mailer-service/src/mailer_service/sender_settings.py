"""Whom letters come from and who signs for them: settings of every process that says so."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from mailer_service.address import Mailbox
from mailer_service.errors import AddressNotSupported
from mailer_service.letters.dkim_keys import DkimKeys
from service_runtime.setting_types import ProcessSettings, holds_keys


def _sender(value: str) -> str:
    try:
        mailbox = Mailbox.parse(value)
    except AddressNotSupported:
        raise ValueError("must be an e-mail address") from None
    if mailbox.needs_smtputf8:
        raise ValueError("must have an ASCII local part, or many servers would refuse every letter")
    return value


def _domain(value: str) -> str:
    try:
        return Mailbox.parse(f"postmaster@{value}").domain
    except AddressNotSupported:
        raise ValueError("must be a domain") from None


class SenderSettings(ProcessSettings):
    """Read by the worker and by `dkim-records`.

    Attributes:
        sender: address that letters come from.
        dkim_domain: whose name signatures bear; the sender's domain unless said.
        dkim_keys: private RSA and Ed25519 keys as PEM, each with its selector above it; without it letters are not signed.
    """

    model_config = SettingsConfigDict(env_prefix="MAILER_")

    sender: Annotated[str, AfterValidator(_sender)]
    dkim_domain: Annotated[str, AfterValidator(_domain)] | None = None
    dkim_keys: Annotated[SecretStr, holds_keys(DkimKeys.from_pem)] | None = None

    @property
    def signing_domain(self) -> str:
        """In A-labels."""
        return self.dkim_domain or Mailbox.parse(self.sender).domain

    @model_validator(mode="after")
    def _signs_for_the_sender(self) -> Self:
        # Any other signature verifies, and counts for nothing: DMARC wants the domain of From (RFC 7489, section 3.1).
        if not f".{Mailbox.parse(self.sender).domain}".endswith(f".{self.signing_domain}"):
            raise ValueError("MAILER_DKIM_DOMAIN must be the domain of MAILER_SENDER or one above it")
        return self


class DkimSettings(SenderSettings):
    """`mailer-service dkim-records`."""

    dkim_keys: Annotated[SecretStr, holds_keys(DkimKeys.from_pem)]
