"""`mailer-service letters`: looks at letters before anybody gets one; needs no settings, sends nothing."""

from __future__ import annotations

from pathlib import Path

import click

from mailer_service.errors import PictureFailed
from mailer_service.preview.gallery import NAMES, find_browser, write_gallery


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
@click.option(
    "--product",
    envvar="MAILER_PRODUCT_NAME",
    default="Postern",
    show_default=True,
    help="What letters call the application.",
)
def preview(directory: Path, product: str) -> None:
    """Write every letter in every language as HTML, text, source and pictures, and a page that shows them all."""
    executable = find_browser()
    if executable is None:
        click.echo(
            f"no pictures: no browser is installed ({', '.join(NAMES)}), or no Playwright; the page shows the letters themselves",
            err=True,
        )
    try:
        click.echo(f"wrote {write_gallery(directory, product=product, executable=executable)}")
    except (PictureFailed, OSError) as error:
        raise click.ClickException(str(error)) from error
