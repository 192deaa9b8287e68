"""Which dead letters are meant."""

from __future__ import annotations

from dataclasses import dataclass

from mailer_service.deadletters.info import DeadLetterInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a dead letter must be; everything given must hold, nothing given is all of them.

    Attributes:
        ids: one of these, in full or by its first characters.
        reasons: one of these.
        letters: one of these.
        limit: of those no more than so many, the oldest first.
    """

    ids: tuple[str, ...] = ()
    reasons: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    limit: int | None = None

    def takes(self, info: DeadLetterInfo) -> bool:
        """Says whether this one is meant; the limit is for whoever counts."""
        return (
            (not self.ids or any(info.id.startswith(known) for known in self.ids))
            and (not self.reasons or info.reason in self.reasons)
            and (not self.letters or info.letter in self.letters)
        )
