"""An application's own words, name and colours in its letters."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mail_contract.letters import LetterName
from mailer_service.errors import BadContext, BrokenTemplates
from mailer_service.letters.brand import Brand
from mailer_service.letters.check import check_letters
from mailer_service.letters.environment import TEMPLATES
from mailer_service.letters.renderer import PARTS, Renderer
from support.outgoing import CODE, CONTEXTS, LINK, RENDERER, header

COMMAND = Path(sys.executable).parent / "mailer-service"
BRAND = Brand(name="Tom & Söhne")
LETTER = LetterName.VERIFY_ADDRESS
SUBJECT = "verify_address/en/subject.txt"
PLAIN = Renderer(BRAND)
BRANDED = Renderer(
    Brand(
        name="Tom & Söhne",
        logo="T+S",
        color="#102030",
        color_dark="#a0b0c0",
        footer="Sample Ltd, 1 <Way>",
        replies=True,
    )
)


def written(directory: Path, templates: Mapping[str, str | bytes]) -> Path:
    """An overlay of these files."""
    for name, text in templates.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return directory


def checked(overlay: Path | None, brand: Brand = BRAND) -> Renderer:
    renderer = Renderer(brand, overlay=overlay)
    check_letters(renderer)
    return renderer


def flaws(overlay: Path) -> list[str]:
    with pytest.raises(BrokenTemplates) as caught:
        checked(overlay)
    assert str(caught.value) == "\n  ".join(("Templates cannot be made into letters.", *caught.value.flaws))
    return list(caught.value.flaws)


def test_the_packages_own_templates_have_no_flaw_and_need_nothing_that_the_sandbox_forbids() -> None:
    checked(None)
    checked(TEMPLATES)


def test_one_template_stands_in_for_the_packages_and_all_others_stay(tmp_path: Path) -> None:
    overlay = written(tmp_path, {SUBJECT: "Willkommen bei {{ product }}\n"})
    renderer = checked(overlay, RENDERER.brand)
    ours, theirs = (each.render(header(), CONTEXTS[LETTER]) for each in (RENDERER, renderer))
    assert theirs.subject == "Willkommen bei Postern"
    assert (theirs.text, theirs.html) == (ours.text, ours.html)
    for letter in LetterName:
        for language in ("en", "vi"):
            if (letter, language) != (LETTER, "en"):
                clear = header(letter, locale=language)
                assert renderer.render(clear, CONTEXTS[letter]) == RENDERER.render(clear, CONTEXTS[letter])


def test_a_layout_stands_in_for_that_of_every_letter(tmp_path: Path) -> None:
    layout = "<html><body>{{ product }}: {% block title %}{% endblock %}{% block body %}{% endblock %}</body></html>"
    renderer = checked(written(tmp_path, {"layout/letter.html": layout}))
    for letter in LetterName:
        html = renderer.render(header(letter), CONTEXTS[letter]).html
        assert html.startswith("<html><body>Tom &amp; Söhne: ")


def test_an_application_may_have_a_language_more_for_a_letter(tmp_path: Path) -> None:
    parts = dict.fromkeys((f"sign_in_link/de/{part}" for part in PARTS), "{{ code }} gilt {{ validity }}")
    renderer = checked(written(tmp_path, parts))
    letter = LetterName.SIGN_IN_LINK
    assert renderer.languages(letter) == ("de", "en", "vi")
    assert renderer.render(header(letter, locale="de-AT"), CONTEXTS[letter]).subject.startswith(CODE)
    assert renderer.languages(LETTER) == ("en", "vi")


LOADING = {
    "verify_address/vi/body.txt": ("Mã:\n{{ code }\n", r", line 2: unexpected '}'"),
    "verify_address/en/body.txt": ("{{ code | frobnicate }}", r", line 1: No filter named 'frobnicate'"),
    "reset_password/en/body.txt": (b"caf\xe9", ": is not UTF-8"),
    "reset_password/de/subject.txt": ("x", ": there is no reset_password/de/body.txt"),
}
RENDERING = {
    "verify_address/en/body.txt": ("a\n\n{{ cod }}\n", ", line 3: 'cod' is undefined"),
    "verify_address/vi/body.txt": (
        "{% if not code %}{{ nobody_comes_here }}{% endif %}x",
        ": 'nobody_comes_here' is undefined; there are closing, code, device, ",
    ),
    "account_deleted/en/body.txt": ("{{ link }}", ", line 1: 'link' is undefined"),
    "account_deleted/vi/body.txt": ("{{ at.day }}", ", line 1: 'str object' has no attribute 'day'"),
    "account_disabled/en/body.txt": ("\n", ": is empty"),
    "account_disabled/en/subject.txt": ("one\ntwo", ": must be one line"),
    "account_disabled/vi/subject.txt": (" ", ": must be one line"),
    "account_disabled/vi/body.html": ("x" * 100_001, ": is longer than 100000 octets"),
    "account_exists/en/body.txt": ("{{ 1 / 0 }}", ", line 1: ZeroDivisionError: "),
    "account_exists/vi/body.txt": ("{{ device | web_address }}", ", line 1: BadContext: "),
    "verify_adress/en/body.txt": ("x", ": no letter uses this file; it must be <letter>/"),
    "verify_address/en/body.text.txt": ("x", ": no letter uses this file"),
    "sign_in_link/en/body.html": ('{% extends "layout/mine.html" %}', r"\A.*: there is no layout/mine\.html"),
}
UNSAFE = (
    "{{ ''.__class__.__mro__ }}",
    "{{ product.__class__.__base__.__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.environ }}",
    "{{ range(10000000) | list }}",
    "{% set x = [] %}{{ x.append(1) }}",
    '{% include "/etc/passwd" %}',
    '{% include "../../etc/passwd" %}',
)


@pytest.mark.parametrize("broken", [LOADING, RENDERING], ids=["loading", "rendering"])
def test_every_broken_template_is_named_with_its_place_and_the_reason(
    tmp_path: Path, broken: dict[str, tuple[str | bytes, str]]
) -> None:
    told = flaws(written(tmp_path, {name: text for name, (text, _) in broken.items()}))
    for name, (_, reason) in broken.items():
        folder = name.rpartition("/")[0]
        assert any(re.search(reason, flaw) for flaw in told if flaw.startswith(folder)), (name, told)


@pytest.mark.parametrize(
    ("name", "text", "flaw"),
    [
        (
            "parts",
            "{% macro button(a, b) %}{% endmacro %}",
            "does not export the requested name 'code_heading'",
        ),
        ("letter", "{% block title %}", r"\Alayout/letter\.html, line 1: Unexpected end of template"),
    ],
)
def test_a_broken_layout_is_named(tmp_path: Path, name: str, text: str, flaw: str) -> None:
    told = flaws(written(tmp_path, {f"layout/{name}.html": text}))
    assert any(re.search(flaw, found) for found in told), told


def test_a_template_cannot_leave_its_sandbox(tmp_path: Path) -> None:
    folders = [f"{letter}/{language}" for letter in list(LetterName)[:4] for language in ("en", "vi")]
    places = dict(zip(folders, UNSAFE, strict=False))
    assert len(places) == len(UNSAFE)
    told = flaws(written(tmp_path, {f"{folder}/body.txt": text for folder, text in places.items()}))
    for folder, text in places.items():
        assert any(flaw.startswith(folder) for flaw in told), text


def test_values_are_data_in_an_applications_own_templates_too(tmp_path: Path) -> None:
    overlay = written(
        tmp_path,
        {"verify_address/en/body.html": "<p>{{ code }}</p>", "verify_address/en/body.txt": "{{ code }}"},
    )
    renderer = checked(overlay)
    rendering = renderer.render(header(), {"link": LINK, "code": "<b>{{ 7 * 7 }}</b>\r\n\u202ex"})
    assert rendering.html == "<p>&lt;b&gt;{{ 7 * 7 }}&lt;/b&gt;x</p>\n"
    assert rendering.text == "<b>{{ 7 * 7 }}</b>x\n"
    with pytest.raises(BadContext):
        renderer.render(header(), {"link": LINK})


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("letter", list(LetterName))
def test_name_logo_colours_and_footer_are_in_every_letter(letter: LetterName, language: str) -> None:
    rendering = BRANDED.render(header(letter, locale=language), CONTEXTS[letter])
    assert "Tom & Söhne" in rendering.text
    assert "Tom &amp; Söhne" in rendering.html
    assert re.search(r'class="brand" style="[^"]*color:#102030;">T\+S</span>', rendering.html)
    assert ".button { background-color: #a0b0c0 !important; }" in rendering.html
    assert rendering.html.count("#1f5f4a") == rendering.html.count("#6fcaa8") == 0
    assert rendering.text.endswith(" Sample Ltd, 1 <Way>\n")
    assert " Sample Ltd, 1 &lt;Way&gt;</td>" in rendering.html
    reply = {"en": "reply to this email", "vi": "hãy trả lời email này"}[language]
    silent = {"en": "don't reply", "vi": "không trả lời"}[language]
    assert reply in rendering.text
    assert silent not in rendering.text
    assert silent in PLAIN.render(header(letter, locale=language), CONTEXTS[letter]).text


def preview(directory: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "letters", "preview", "--directory", directory],
        env={"PATH": str(directory.parent), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_the_preview_shows_an_applications_own_words(tmp_path: Path) -> None:
    overlay = written(tmp_path / "own", {SUBJECT: "Welcome to {{ product }}"})
    settings = {
        "MAILER_TEMPLATES": str(overlay),
        "MAILER_PRODUCT_NAME": "Sample",
        "MAILER_REPLY_TO": "help@sample.example",
    }
    shown = preview(tmp_path / "shown", **settings)
    assert shown.returncode == 0, shown.stderr
    assert "Welcome to Sample" in (tmp_path / "shown" / "index.html").read_text(encoding="utf-8")
    assert (
        b"\r\nReply-To: <help@sample.example>\r\n"
        in (tmp_path / "shown" / "verify_address.en.eml").read_bytes()
    )
