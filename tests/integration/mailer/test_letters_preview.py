"""The gallery of letters, as `mailer-service letters preview` writes it."""

import os
import re
import struct
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from mail_contract.letters import LetterName

COMMAND = Path(sys.executable).parent / "mailer-service"
SCREENS = {"phone-light": 780, "phone-dark": 780, "desktop-light": 900, "desktop-dark": 900}
"""Names of pictures, and how wide they are in pixels."""
STEMS = [f"{letter}.{language}" for letter in LetterName for language in ("en", "vi")]


def preview(directory: Path, *, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "letters", "preview", "--directory", directory, "--product", "Bưu <điện>"],
        env={"PATH": path, "HOME": str(directory.parent)},
        capture_output=True,
        text=True,
        check=True,
        timeout=170,
    )


def width_of(picture: Path) -> int:
    octets = picture.read_bytes()
    assert octets.startswith(b"\x89PNG\r\n\x1a\n")
    (width,) = struct.unpack_from("!I", octets, 16)
    return int(width)


@pytest.mark.slow
@pytest.mark.long
def test_the_gallery_has_every_letter_in_every_language_on_every_screen(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery"
    done = preview(gallery, path=os.environ["PATH"])
    assert (done.stdout, done.stderr) == (f"wrote {gallery / 'index.html'}\n", "")
    pictures = {f"{stem}.{screen}.png": width for stem in STEMS for screen, width in SCREENS.items()}
    texts = {f"{stem}.{kind}" for stem in STEMS for kind in ("html", "txt", "eml")}
    assert {path.name for path in gallery.iterdir()} == {"index.html", *pictures, *texts}
    assert {name: width_of(gallery / name) for name in pictures} == pictures
    for stem in STEMS:
        light, dark = ((gallery / f"{stem}.phone-{scheme}.png").read_bytes() for scheme in ("light", "dark"))
        assert light != dark
    page = (gallery / "index.html").read_text(encoding="utf-8")
    linked = set(re.findall(r'(?:href|src)="([^"#]+)"', page))
    assert linked == {*pictures, *texts}


def test_without_a_browser_the_gallery_says_so_and_shows_the_letters_themselves(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery"
    done = preview(gallery, path=str(tmp_path))
    assert "no pictures: no browser is installed (chromium, " in done.stderr
    assert not list(gallery.glob("*.png"))
    page = (gallery / "index.html").read_text(encoding="utf-8")
    for stem in STEMS:
        assert f'<iframe sandbox src="{stem}.html"' in page
        assert (gallery / f"{stem}.txt").read_text(encoding="utf-8").strip() in unescape(page)
    assert "<điện>" not in page.replace("&lt;điện&gt;", "")
