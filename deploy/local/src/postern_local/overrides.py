"""What the person who starts the stack sets differently, by the services' documented variables."""

import os
import sys
from collections.abc import Mapping


def overrides() -> dict[str, str]:
    """The variables of `make run` that are meant for the services; logs are pretty only on a terminal."""
    given = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("AUTH_", "MAILER_", "POSTERN_LOG_")) and value
    }
    return {"POSTERN_LOG_FORMAT": "console" if sys.stdout.isatty() else "json", **given}


def overridden(given: Mapping[str, str], prefix: str, defaults: Mapping[str, str]) -> dict[str, str]:
    """The stack's own settings for a process, except where `given` says otherwise.

    Args:
        given: the variables of `overrides`.
        prefix: of the variables this process takes from them, beside the common ones.
        defaults: the stack's own. NAME given replaces NAME_FILE here too, and the reverse.
    """
    chosen = {name: value for name, value in given.items() if name.startswith((prefix, "POSTERN_LOG_"))}
    replaced = {name.removesuffix("_FILE") for name in chosen}
    kept = {name: value for name, value in defaults.items() if name.removesuffix("_FILE") not in replaced}
    return {**kept, **chosen}
