import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import auth_service.http.pages
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.password_policy import PasswordFlaw
from auth_service.http.pages.catalogue import LANGUAGES, texts_in

PAGES = Path(auth_service.http.pages.__file__).parent


def flat(texts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def test_every_language_says_everything_with_the_same_blanks() -> None:
    english = dict(flat(texts_in("en")))
    for language in LANGUAGES:
        texts = dict(flat(texts_in(language)))
        assert texts.keys() == english.keys()
        for key, text in texts.items():
            assert text.strip(), key
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key


def test_every_state_and_every_flaw_of_a_password_has_its_words() -> None:
    texts = texts_in("en")
    assert texts["states"].keys() >= {state.value for state in DeliveryState}
    assert texts["flaws"].keys() >= {flaw.value for flaw in PasswordFlaw}


def test_every_text_a_page_uses_exists() -> None:
    known = dict(flat(texts_in("en")))
    groups = {key.rsplit(".", 1)[0] for key in known}
    for source in [*PAGES.glob("assets/*.js"), *PAGES.glob("templates/*.html")]:
        for used in re.findall(r"\b(?:texts|t)\.([a-z_]+(?:\.[a-z_]+)?)", source.read_text(encoding="utf-8")):
            used = used.removesuffix(".replace")  # noqa: PLW2901 - a method, not a text
            assert used in known or used in groups, (source.name, used)
