"""② Proofs of work: asked for while very many strangers ask for the same thing, each good for one request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NoReturn, Protocol

from sqlalchemy.orm import Session

from auth_service.db import limits
from auth_service.domain.limit import Bucket, Limit
from auth_service.errors import ProofRequired
from auth_service.security.proofs import LIFETIME, Proofs
from auth_service.security.secrets import KeyedHash

_PROOF_MEMORY: Final = LIFETIME + timedelta(hours=1)
"""Longer than a proof is good for, whatever the clocks of processes and database say."""

MAX_TRIES: Final = 5
"""Requests with one proof for which a password is judged and hashed: whoever has to choose another one keeps the proof."""

_ONCE: Final = Limit(buckets=(Bucket(count=1, period=_PROOF_MEMORY),))
_TRIES: Final = Limit(buckets=(Bucket(count=MAX_TRIES, period=_PROOF_MEMORY),))


class ProofObserver(Protocol):
    """Is told about proofs of work; metrics in production, a list in tests."""

    def proof_asked(self) -> None:
        """Somebody was asked for a proof."""

    def proof_given(self, *, accepted: bool) -> None:
        """A proof was good, or was not or not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofOfWork:
    """Asks for proofs and takes them.

    Attributes:
        proofs: challenges, and their solutions.
        keyed_hash: makes the keys under which proofs are counted.
        observer: told about each.
    """

    proofs: Proofs
    keyed_hash: KeyedHash
    observer: ProofObserver

    def ask(self) -> NoReturn:
        """Raises ProofRequired, with a challenge nobody had before."""
        self.observer.proof_asked()
        challenge = self.proofs.new_challenge()
        raise ProofRequired(challenge.document, expires_at=challenge.expires_at)

    def serial_of(self, session: Session, proof: str) -> str | None:
        """Returns what tells a proof from all others, if it is good and has not been sent too often; it is not used up."""
        serial = self.proofs.serial_of(proof)
        if serial is not None:
            key = self.keyed_hash.limit_key("proof sent", serial)
            if limits.admit(session, key, _TRIES, lazily=True).admitted:
                return serial
        self.observer.proof_given(accepted=False)
        return None

    def use(self, session: Session, serial: str) -> bool:
        """Uses a proof up; says whether it was not used before."""
        unused = limits.admit(session, self.keyed_hash.limit_key("proof", serial), _ONCE).admitted
        self.observer.proof_given(accepted=unused)
        return unused
