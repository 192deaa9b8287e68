"""What is wrong with a template, in a line: its name, the place in it, and the reason."""

from __future__ import annotations

import traceback
from pathlib import Path

from jinja2 import TemplateNotFound, TemplateSyntaxError


def flaw_of(name: str, error: Exception) -> str:
    """Returns the line.

    Args:
        name: of the template that was to be loaded or rendered, such as `verify_address/vi/body.txt`.
        error: what came of it; its place may be in a template that this one uses.
    """
    if isinstance(error, TemplateNotFound):
        return f"{name}: there is no {error.name}"
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or name}, line {error.lineno}: {error.message}"
    if isinstance(error, UnicodeDecodeError):
        return f"{name}: is not UTF-8"
    if isinstance(error, OSError):
        return f"{name}: cannot be read: {error.strerror}"
    words = str(error) if type(error).__module__.startswith("jinja2") else f"{type(error).__name__}: {error}"
    return f"{_place(error) or name}: {words}"


def _place(error: Exception) -> str | None:
    """Returns the template and the line that raised it; Jinja writes both into the traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.suffix in {".txt", ".html"}:
            return f"{path.parent.parent.name}/{path.parent.name}/{path.name}, line {frame.lineno}"
    return None
