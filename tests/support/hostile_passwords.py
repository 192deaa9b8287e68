"""Passwords as generators and people make them, of which no part may show."""

import random
import string
from collections.abc import Iterator

NASTY = (
    "/",
    "@",
    "[",
    "]",
    "#",
    "%",
    "?",
    ":",
    ";",
    "\u2100",
    " ",
    "\\",
    "%zz",
    "%ff",
    "\u00e9",
    "@[",
    "/:",
    "//",
    "=",
    "+",
    "&",
    "|",
    "<",
    "\x7f",
)
SEGMENT = 8


def hostile_passwords(count: int, *, seed: int = 23) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields passwords and the parts of each that nothing but the password has."""
    rng = random.Random(seed)  # noqa: S311 - to be the same each time, not secret
    alphabet = string.ascii_uppercase + string.digits
    for number in range(count):
        parts = tuple("".join(rng.choices(alphabet, k=SEGMENT)) for _ in range(rng.randint(2, 4)))
        password = parts[0]
        for part in parts[1:]:
            password += (NASTY[number % len(NASTY)] if part is parts[1] else rng.choice(NASTY)) + part
        # What libraries take for a port: digits up to the next mark.
        yield (f"{rng.randrange(10**4)}{password}" if rng.random() < 0.3 else password), parts


def shown(parts: tuple[str, ...], output: str) -> list[str]:
    """The parts, and halves of them, that the output shows in any case of letters."""
    halves = [half for part in parts for half in (part[: SEGMENT // 2], part[SEGMENT // 2 :])]
    return [half for half in halves if half.lower() in output.lower()]
