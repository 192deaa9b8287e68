"""Which language a letter is written in: the one asked for, a wider one, or English."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

DEFAULT = "en"


def choose(wanted: str, available: AbstractSet[str]) -> str:
    """Returns the best of the available languages by RFC 4647 lookup: `vi-VN` finds `vi`; whatever else finds English.

    Args:
        wanted: a BCP 47 tag, in any case, also with underscores; anything else is harmless.
        available: tags as the templates' folders are named.
    """
    by_folded = {tag.casefold(): tag for tag in available}
    subtags = wanted.replace("_", "-").casefold().split("-")
    while subtags:
        found = by_folded.get("-".join(subtags))
        if found is not None:
            return found
        subtags.pop()
    return DEFAULT
