"""Values made fit for one line of a letter."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_SEPARATORS = (0x2028, 0x2029)
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INVISIBLE = (0x200B, 0x2060, 0xFEFF)

_STRIPPED = dict.fromkeys((*_CONTROLS, *_SEPARATORS, *_BIDI, *_INVISIBLE))


def one_line(value: Any) -> Any:
    """Returns a text value without control characters, line ends, bidi controls and zero-width characters.

    Finished HTML (the result of one of our own macros) passes as it is.
    """
    # All that is stripped is unprintable by Python's book, and asking costs a fiftieth of stripping.
    if not isinstance(value, str) or value.isprintable() or isinstance(value, Markup):
        return value
    return value.translate(_STRIPPED)
