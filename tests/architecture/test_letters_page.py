"""docs/letters.md has every letter, with its class, and no other."""

import re
from pathlib import Path

from mail_contract.letters import LETTERS

PAGE = Path(__file__).parents[2] / "docs" / "letters.md"


def test_every_letter_is_on_the_page_with_its_class() -> None:
    rows = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \| (\w+) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    told = {name.strip("`"): letter_class for names, letter_class in rows for name in names.split(", ")}
    assert told == {name.value: definition.letter_class.value for name, definition in LETTERS.items()}
