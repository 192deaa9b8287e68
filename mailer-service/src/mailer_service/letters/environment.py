"""The Jinja2 environment of letters: the package's templates, and an operator's in front of them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer_service.errors import BadContext
from mailer_service.letters.brand import Brand
from mailer_service.letters.form import for_gaps_too
from mailer_service.letters.one_line import one_line
from mailer_service.letters.words import day_in_words, device_in_words, moment_in_words

TEMPLATES = Path(__file__).parents[1] / "templates"


def build_environment(brand: Brand, *, overlay: Path | None) -> Environment:
    """Returns the environment: Jinja's sandbox, in which a template reaches nothing but its values.

    Args:
        brand: in every template as `product`, `logo`, `color` and `color_dark`.
        overlay: a directory whose files stand in for the package's of the same names.
    """
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(root) for root in roots(overlay)]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        finalize=one_line,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["web_address"] = for_gaps_too(web_address)
    environment.filters["day"] = for_gaps_too(day_in_words)
    environment.filters["moment"] = for_gaps_too(moment_in_words)
    environment.filters["device"] = for_gaps_too(device_in_words)
    environment.globals["product"] = brand.name
    environment.globals["logo"] = brand.logo or brand.name
    environment.globals["color"] = brand.color
    environment.globals["color_dark"] = brand.color_dark
    return environment


def roots(overlay: Path | None) -> tuple[Path, ...]:
    """Returns the directories of templates; the first that has a file is where it is taken from."""
    return (TEMPLATES,) if overlay is None else (overlay, TEMPLATES)


def web_address(value: str) -> str:
    """Passes an http(s) address on; raises BadContext for anything else, such as `javascript:`."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(mark in value for mark in " <>\"'"):
        raise BadContext("not a web address")
    return value
