"""Whom letters come from, how they look and who signs them: settings of every process that writes or shows letters."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from mailer_service.address import Mailbox
from mailer_service.errors import AddressNotSupported
from mailer_service.letters.brand import COLOR, COLOR_DARK, ENOUGH, Brand, contrast
from mailer_service.letters.dkim_keys import DkimKeys
from service_runtime.setting_types import ProcessSettings, holds_keys

_WHITE = "#ffffff"
_DARK = "#1a2320"
"""What a letter's words stand on where the reader prefers dark pages."""


def _reply_to(value: str) -> str:
    try:
        Mailbox.parse(value)
    except AddressNotSupported:
        raise ValueError("must be an email address") from None
    return value


def _readable_on(ground: str, *, in_words: str) -> AfterValidator:
    def check(color: str) -> str:
        found = contrast(color, ground)
        if found < ENOUGH:
            raise ValueError(
                f"must be read on {in_words}: it has a contrast of {found:.1f} to 1, and {ENOUGH} are needed"
            )
        return color

    return AfterValidator(check)


Words = Field(pattern=r"^[^\x00-\x1f\x7f]*$")
Color = Annotated[str, BeforeValidator(str.lower), Field(pattern="^#[0-9a-f]{6}$")]


class LetterSettings(ProcessSettings):
    """Read by the worker and by `letters preview`.

    Attributes:
        product_name: what letters call the application.
        logo_text: words in place of a logo; the name unless said.
        color: of buttons and links, `#rrggbb`; white words must be readable on it.
        color_dark: likewise where the reader prefers dark pages; it must be readable on dark ground.
        reply_to: who gets answers; without it every letter says that nobody reads them.
        footer: a sentence at the end of every letter.
        templates: a directory whose files stand in for those of the package that have the same names.
    """

    model_config = SettingsConfigDict(env_prefix="MAILER_")

    product_name: Annotated[str, Words, Field(min_length=1, max_length=60)] = "Postern"
    logo_text: Annotated[str, Words, Field(max_length=60)] = ""
    color: Annotated[Color, _readable_on(_WHITE, in_words="white, and white on it")] = COLOR
    color_dark: Annotated[Color, _readable_on(_DARK, in_words="dark ground")] = COLOR_DARK
    reply_to: Annotated[str, AfterValidator(_reply_to)] | None = None
    footer: Annotated[str, Words, Field(max_length=300)] = ""
    templates: DirectoryPath | None = None

    @property
    def brand(self) -> Brand:
        """What of this is seen in letters."""
        return Brand(
            name=self.product_name,
            logo=self.logo_text,
            color=self.color,
            color_dark=self.color_dark,
            footer=self.footer,
            replies=self.reply_to is not None,
        )


def _sender(value: str) -> str:
    try:
        mailbox = Mailbox.parse(value)
    except AddressNotSupported:
        raise ValueError("must be an email address") from None
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
