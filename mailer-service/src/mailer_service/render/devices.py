"""Kinds of devices in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_BETWEEN = " on "
_ON: Mapping[str, str] = MappingProxyType({"en": " on ", "vi": " trên "})


def device_in_words(device: str, language: str) -> str:
    """Returns `Firefox on Linux`, which is how auth-service puts it, as `Firefox trên Linux`; names stay as they are."""
    on = _ON.get(language.partition("-")[0], _BETWEEN)
    return on.join(device.split(_BETWEEN, maxsplit=1))
