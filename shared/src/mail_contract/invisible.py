"""Code points that show nothing: an address with one reads as another address, so neither service takes it."""

from __future__ import annotations

import re
from typing import Final

_DEFAULT_IGNORABLE: Final = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, unchanged from version 14 to 16.

Python's `unicodedata` does not know the property, and its categories do not give it: some are letters, some marks, some
not assigned yet.
"""
_BLANK: Final = (
    (0x0000, 0x0020),
    (0x007F, 0x00A0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
    (0xD800, 0xDFFF),
    (0xFFF9, 0xFFFC),
    (0x16FE4, 0x16FE4),
    (0x1D159, 0x1D159),
)
"""Controls, spaces, line ends, halves of surrogate pairs, and what is drawn as nothing without being ignorable: the empty
Braille pattern, anchors of annotations, a place for an object, fillers."""

_INVISIBLE = re.compile(
    "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _DEFAULT_IGNORABLE + _BLANK) + "]"
)


def has_invisible(text: str) -> bool:
    """Tells whether any of the code points is a control, a space, a surrogate, default-ignorable or drawn as nothing."""
    return _INVISIBLE.search(text) is not None
