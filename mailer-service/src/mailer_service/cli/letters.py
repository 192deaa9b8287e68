"""`mailer-service letters`: looks at letters before anybody gets one; every setting has a default, and nothing is sent."""

from __future__ import annotations

from pathlib import Path

import click

from mailer_service.address import Mailbox
from mailer_service.cli.start import settings_of
from mailer_service.errors import BrokenTemplates, PictureFailed
from mailer_service.letter_settings import LetterSettings
from mailer_service.letters.check import check_letters
from mailer_service.letters.compose import Sender
from mailer_service.letters.gallery import NAMES, find_browser, write_gallery
from mailer_service.letters.renderer import Renderer

_SENDER = "no-reply@gate.example"


@click.group()
def letters() -> None:
    """Look at the letters themselves."""


@letters.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("letters"),
    show_default=True,
    help="Made if need be.",
)
@click.option("--product", help="What letters call the application, in place of MAILER_PRODUCT_NAME.")
def preview(directory: Path, product: str | None) -> None:
    """Write every letter in every language as HTML, text, source and pictures, and a page that shows them all.

    They look as the settings say that the worker reads: MAILER_PRODUCT_NAME, MAILER_LOGO_TEXT, MAILER_COLOR,
    MAILER_COLOR_DARK, MAILER_REPLY_TO, MAILER_FOOTER and MAILER_TEMPLATES.
    """
    settings = settings_of(LetterSettings)
    if product is not None:
        settings = settings.model_copy(update={"product_name": product})
    executable = find_browser()
    if executable is None:
        click.echo(
            f"no pictures: no browser is installed ({', '.join(NAMES)}), or no Playwright; the page shows the letters themselves",
            err=True,
        )
    sender = Sender(
        mailbox=Mailbox.parse(_SENDER),
        name=settings.product_name,
        reply_to=None if settings.reply_to is None else Mailbox.parse(settings.reply_to),
    )
    try:
        renderer = Renderer(settings.brand, overlay=settings.templates)
        check_letters(renderer)
        click.echo(f"wrote {write_gallery(directory, renderer, sender, executable=executable)}")
    except (BrokenTemplates, PictureFailed, OSError) as error:
        raise click.ClickException(str(error)) from error
