"""How many replicas of a kind run: what `make scale` said last, kept from run to run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from postern_local.directory import StateDirectory, write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """The numbers of one stack.

    Attributes:
        mailer: replicas that take all letters.
        api: processes of the API; None where nobody has said a number, so that its own setting counts.
    """

    mailer: int = 2
    api: int | None = None

    @classmethod
    def load_from(cls, state: StateDirectory) -> Self:
        """What was said last."""
        file = state.replicas_file
        return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else cls()

    def with_numbers(self, wanted: Mapping[str, int]) -> "Replicas":
        """Replaces some of them."""
        return Replicas(mailer=wanted.get("mailer", self.mailer), api=wanted.get("api", self.api))

    def save_in(self, state: StateDirectory) -> None:
        """Keeps them for the next run."""
        numbers = {"mailer": self.mailer, "api": self.api}
        write_private(state.replicas_file, json.dumps(numbers) + "\n")
