import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import auth_service.http.pages
from auth_service import errors
from auth_service.domain.guessing import Weakness
from auth_service.domain.password_policy import WrongLength
from auth_service.domain.receipt import ReceiptState
from auth_service.http.pages.catalogue import LANGUAGES, texts_in
from auth_service.http.statuses import code_of

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
    assert texts["states"].keys() >= {state.value for state in ReceiptState}
    assert texts["ended"].keys() <= texts["states"].keys()
    assert texts["flaws"].keys() >= {*WrongLength, "guessable", "breached"}
    assert texts["advice"].keys() == {weakness.value for weakness in Weakness}


def test_every_text_a_page_uses_exists() -> None:
    known = dict(flat(texts_in("en")))
    groups = {
        ".".join(parts[:n]) for parts in (key.split(".") for key in known) for n in range(1, len(parts))
    }
    for source in [*PAGES.glob("assets/*.js"), *PAGES.glob("templates/*.html")]:
        for used in re.findall(r"\b(?:texts|t)\.([a-z_]+(?:\.[a-z_]+)?)", source.read_text(encoding="utf-8")):
            used = used.removesuffix(".replace")  # noqa: PLW2901 - a method, not a text
            assert used in known or used in groups, (source.name, used)


def test_people_read_email_and_never_letter() -> None:
    banned = {"en": r"\bletters?\b|e-mail|\bmail\b|\bpostbox\b", "vi": r"\bthư\b(?! (?:mục|rác))|e-mail"}
    for language, pattern in banned.items():
        for key, text in flat(texts_in(language)):
            assert re.findall(pattern, text, flags=re.IGNORECASE) == [], (language, key, text)


def test_every_problem_of_signing_up_has_its_words() -> None:
    texts = texts_in("en")["problems"]
    refusals = (
        errors.UnknownLink,
        errors.UsedLink,
        errors.ExpiredLink,
        errors.ReplacedLink,
        errors.AlreadyConfirmed,
        errors.RefusedRegistration,
        errors.UnknownRegistration,
        errors.RefusedCode,
        errors.TooBusy,
        errors.DatabaseUnavailable,
    )
    assert texts.keys() >= {code_of(error) for error in refusals}
