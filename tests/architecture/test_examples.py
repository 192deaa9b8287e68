"""docs/integrate.md shows the examples that are run, whole and as they are."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
SHOWN = re.compile(r"\]\(examples/(\w+\.py)\)[^`]*?```python\n(.*?)```", re.DOTALL)


def test_the_page_shows_every_example_as_it_is() -> None:
    shown = dict(SHOWN.findall((DOCS / "integrate.md").read_text(encoding="utf-8")))
    assert shown == {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "examples").glob("*.py")}
