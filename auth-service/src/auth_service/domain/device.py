"""What kind of device made a request, in a closed set of words: a letter shows it, so no text of the request may get in."""

from __future__ import annotations

from typing import Final

_MAX_LENGTH: Final = 512

# The first that fits: browsers and systems name the ones they descend from, too.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def describe_device(user_agent: str | None) -> str:
    """Returns words such as "Firefox on Linux", a browser or a system alone, or nothing, from a `User-Agent` header."""
    if user_agent is None or len(user_agent) > _MAX_LENGTH:
        return ""
    found = (_first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent))
    return " on ".join(word for word in found if word)


def _first(words: tuple[tuple[str, str], ...], text: str) -> str:
    return next((word for sign, word in words if sign in text), "")
