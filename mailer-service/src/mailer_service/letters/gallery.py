"""The gallery: a page with every letter in every language, and beside it each one as files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from mail_contract.letters import LETTERS, LetterName
from mailer_service.letters.compose import Sender, compose
from mailer_service.letters.examples import EXAMPLES, example_header
from mailer_service.letters.renderer import Renderer, Rendering
from mailer_service.letters.words import describe

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What somebody reads on.

    Attributes:
        name: such as `phone-dark`.
        width, height: CSS pixels.
        scale: pixels of the screen for one of CSS.
        dark: whether its owner prefers dark pages.
    """

    name: str
    width: int
    height: int
    scale: float
    dark: bool


def find_browser() -> str | None:
    """Returns where Chromium is; None if it or Playwright, which speaks to it, is not installed."""
    if find_spec("playwright") is None:
        return None
    return next((found for name in NAMES if (found := shutil.which(name))), None)


SCREENS: Sequence[Screen] = tuple(
    Screen(
        name=f"{kind}-{'dark' if dark else 'light'}",
        width=width,
        height=height,
        scale=2 if mobile else 1,
        dark=dark,
    )
    for kind, width, height, mobile in (("phone", 390, 700, True), ("desktop", 900, 600, False))
    for dark in (False, True)
)
_READER = "an@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One letter in one language, as it hangs in the gallery.

    Attributes:
        letter: which one.
        rendering: its words.
        octets: as sent, unsigned.
        pictures: file names by screen; none without a browser.
    """

    letter: LetterName
    rendering: Rendering
    octets: bytes
    pictures: dict[str, str]

    @property
    def stem(self) -> str:
        """What its files are called before the dot."""
        return f"{self.letter}.{self.rendering.language}"


def write_gallery(directory: Path, renderer: Renderer, sender: Sender, *, executable: str | None) -> Path:
    """Writes every letter as HTML, text, source and, given a browser, pictures; returns the page that shows them.

    Args:
        directory: made if need be; files of the same names are replaced.
        renderer: of the letters.
        sender: whom they come from.
        executable: of Chromium; None leaves the pictures out.

    Raises:
        PictureFailed: the browser did not do what it should, or a letter does not fit a screen.
        OSError: a file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    exhibits = list(_exhibits(renderer, sender))
    for exhibit in exhibits:
        (directory / f"{exhibit.stem}.html").write_text(exhibit.rendering.html, encoding="utf-8")
        (directory / f"{exhibit.stem}.txt").write_text(exhibit.rendering.text, encoding="utf-8")
        (directory / f"{exhibit.stem}.eml").write_bytes(exhibit.octets)
    if executable is not None:
        from mailer_service.letters.browser import photographer  # noqa: PLC0415 - for development only

        with photographer(executable) as taking:
            for screen in SCREENS:
                pages = [directory / f"{exhibit.stem}.html" for exhibit in exhibits]
                for exhibit, picture in zip(exhibits, taking.pictures(pages, screen), strict=True):
                    exhibit.pictures[screen.name] = name = f"{exhibit.stem}.{screen.name}.png"
                    (directory / name).write_bytes(picture)
    page = directory / "index.html"
    page.write_text(_page(exhibits, product=sender.name), encoding="utf-8")
    return page


def _exhibits(renderer: Renderer, sender: Sender) -> Sequence[Exhibit]:
    found = []
    for letter in LetterName:
        for language in renderer.languages(letter):
            header = example_header(letter, locale=language)
            rendering = renderer.render(header, EXAMPLES[letter].model_dump())
            octets = compose(header, rendering, recipient=_READER, sender=sender).octets
            found.append(Exhibit(letter=letter, rendering=rendering, octets=octets, pictures={}))
    return found


def _page(exhibits: Sequence[Exhibit], *, product: str) -> str:
    environment = Environment(
        loader=PackageLoader("mailer_service.letters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    letters = [
        {
            "definition": LETTERS[letter],
            "lifetime": describe(LETTERS[letter].lifetime, "en"),
            "exhibits": [exhibit for exhibit in exhibits if exhibit.letter is letter],
        }
        for letter in LetterName
    ]
    return (
        environment.get_template("gallery.html").render(letters=letters, product=product, screens=SCREENS)
        + "\n"
    )
