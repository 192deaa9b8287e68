"""② Whether somebody may register now: by their source, by what everybody does together, by a proof of work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from sqlalchemy.orm import Session

from auth_service.domain.campaign import Clearance, HoldReason
from auth_service.domain.limit import Bucket, Limit, LimitName
from auth_service.errors import ProofRequired
from auth_service.flows.campaign_watch import CampaignWatch
from auth_service.flows.limits import LimitObserver, SourceLimit
from auth_service.security.proofs import LIFETIME, Proofs
from auth_service.security.secrets import KeyedHash
from auth_service.store import limits
from auth_service.store.transactions import Transactions

_ONCE: Final = Limit(buckets=(Bucket(count=1, period=LIFETIME + timedelta(hours=1)),))
"""Longer than a proof is good for, whatever the clocks of processes and database say."""


class ProofObserver(LimitObserver, Protocol):
    """Is told about proofs of work, too."""

    def proof_asked(self) -> None:
        """Somebody was asked for a proof."""

    def proof_given(self, *, accepted: bool) -> None:
        """A proof was good, or was not or not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitRegistration:
    """Decides before anything is hashed, and without looking at the address: so it tells nothing about one.

    Attributes:
        transactions: that commit each statement, so that nobody waits for somebody else's registration.
        source: registrations from one network address.
        everybody: registrations without a proof, by all together; above it a proof is asked for.
        proved: registrations with one, by all together; above it their letters are held.
        watch: whether few registrations are confirmed.
        proofs: challenges, and their solutions.
        keyed_hash: makes the keys under which all this is counted.
        observer: told about each decision.
    """

    transactions: Transactions
    source: SourceLimit
    everybody: Limit
    proved: Limit
    watch: CampaignWatch
    proofs: Proofs
    keyed_hash: KeyedHash
    observer: ProofObserver

    def __call__(self, source: str, proof: str | None) -> Clearance:
        """Returns how the registration is let in.

        A proof that is not good counts as none. A good one is not counted for its source again: the request that was
        given its challenge was.

        Raises:
            RateLimited: too many from this source.
            ProofRequired: with a challenge.
            DatabaseUnavailable: nothing could be counted.
        """
        with self.transactions.begin() as session:
            if proof is not None and self._take(session, proof):
                return Clearance(proved=True, held_for=self._reason_to_hold(session))
            self.source.admit(session, source)
            if not self._asks_for_proof(session):
                return Clearance()
        self.observer.proof_asked()
        raise ProofRequired(self.proofs.new_challenge())

    def _take(self, session: Session, proof: str) -> bool:
        """Says whether a proof is good, and uses it up."""
        serial = self.proofs.serial_of(proof)
        good = (
            serial is not None
            and limits.admit(session, self.keyed_hash.limit_key("proof", serial), _ONCE).admitted
        )
        self.observer.proof_given(accepted=good)
        return good

    def _asks_for_proof(self, session: Session) -> bool:
        if self.watch.look(session).prove:
            self.watch.alarm(session, "proofs_required", reason="few_confirmed")
            return True
        if self._admit_together(session, LimitName.ALL, self.everybody):
            return False
        self.watch.alarm(session, "proofs_required", reason="many_registrations")
        return True

    def _reason_to_hold(self, session: Session) -> HoldReason | None:
        reason = None
        if self.watch.look(session).hold:
            reason = HoldReason.FEW_CONFIRMED
        elif not self._admit_together(session, LimitName.PROVED, self.proved):
            reason = HoldReason.MANY_PROVED
        if reason is not None:
            self.watch.alarm(session, "letters_held", reason=reason.value)
        return reason

    def _admit_together(self, session: Session, name: LimitName, limit: Limit) -> bool:
        if limit.is_off:
            return True
        admission = limits.admit(session, self.keyed_hash.limit_key(name, ""), limit, lazily=True)
        self.observer.decided(name, admitted=admission.admitted)
        return admission.admitted
