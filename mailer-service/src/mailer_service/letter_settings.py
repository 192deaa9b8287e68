"""What an application gives its letters: settings of every process that writes or shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field
from pydantic_settings import SettingsConfigDict

from mailer_service.address import Mailbox
from mailer_service.errors import AddressNotSupported
from mailer_service.letters.brand import COLOR, COLOR_DARK, ENOUGH, Brand, contrast
from service_runtime.setting_types import ProcessSettings

_WHITE = "#ffffff"
_DARK = "#1a2320"
"""What a letter's words stand on where the reader prefers dark pages."""


def _reply_to(value: str) -> str:
    try:
        Mailbox.parse(value)
    except AddressNotSupported:
        raise ValueError("must be an e-mail address") from None
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
