"""What the pages say, in every language they speak; a test holds the languages to the same keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType({"en": "English", "vi": "Tiếng Việt"})
"""Language tags and what the languages call themselves."""


@cache
def texts_in(locale: str) -> Mapping[str, Any]:
    """Returns all texts of a language of `LANGUAGES`."""
    source = files("auth_service.http.pages").joinpath(f"texts/{locale}.json").read_text(encoding="utf-8")
    texts: dict[str, Any] = json.loads(source)
    return texts
