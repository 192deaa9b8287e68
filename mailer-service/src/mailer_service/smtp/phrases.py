"""What a phrase beside a code can say. The phrases themselves are data: `sender_phrases` and `refusal_phrases`.

The codes alone do not tell whose trouble a refusal is: large receivers use `550 5.2.1` for a mailbox that is busy, `550
5.4.1` for one that is not there, and `550` alone for nearly everything. So our own trouble, the provider's and the moment's
come first, and a mailbox is blamed last.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto


class Says(StrEnum):
    """What a phrase says, and so whom it blames."""

    QUOTA = auto()
    """The provider takes no more from us for today."""
    ACCOUNT = auto()
    """The provider has locked us out, or our domain does not prove who it is."""
    SET_UP = auto()
    """We may not send like this: not through that server, or not under that sender."""
    PROVIDER_BUSY = auto()
    """We were too fast for the provider."""
    RECIPIENT_BUSY = auto()
    """The mailbox gets more than it may take for now."""
    BUSY = auto()
    """We were too fast for the receiving domain."""
    GREYLISTED = auto()
    """Whoever comes again is let in."""
    MOMENT = auto()
    """It may pass, whatever the code says."""
    NO_MAILBOX = auto()
    NO_MAILBOX_NOW = auto()
    """It is not there just now, or its domain is not."""
    NO_MAIL_IN_DOMAIN = auto()
    """The domain takes no mail at all."""
    FULL = auto()
    TOO_LARGE = auto()
    REPUTATION = auto()
    """Who we are, or where we come from, is refused: ours to mend."""
    POLICY = auto()
    """The letter is refused, by a filter or by the reader's own wish."""


GENERIC = ("", "5.0.0", "5.1.0", "5.2.0", "5.3.0", "5.4.0", "5.4.1", "5.5.0", "5.7.0", "5.7.1")
"""Enhanced codes that do not tell whether a mailbox is there, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One phrase.

    Attributes:
        words: in lower case, each found at the beginning of a word; ` … ` stands for anything between two of them.
        says: what they say.
        receivers: who writes so.
        beside: the enhanced codes they are believed beside; empty for any.
        unless: a phrase that must not be there as well.
    """

    words: str
    says: Says
    receivers: str
    beside: tuple[str, ...] = ()
    unless: str = ""


def phrases_of(says: Says, *rows: tuple[str, str], beside: tuple[str, ...] = ()) -> tuple[Phrase, ...]:
    """Returns phrases that say the same.

    Args:
        says: what.
        rows: the words of each, and who writes them.
        beside: as in `Phrase`.
    """
    return tuple(
        Phrase(words=words, says=says, receivers=receivers, beside=beside) for words, receivers in rows
    )
