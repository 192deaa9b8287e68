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

_PROOF_MEMORY: Final = LIFETIME + timedelta(hours=1)
"""Longer than a proof is good for, whatever the clocks of processes and database say."""

MAX_TRIES: Final = 5
"""Requests with one proof for which a password is judged and hashed: whoever has to choose another one keeps the proof."""

_ONCE: Final = Limit(buckets=(Bucket(count=1, period=_PROOF_MEMORY),))
_TRIES: Final = Limit(buckets=(Bucket(count=MAX_TRIES, period=_PROOF_MEMORY),))


class ProofObserver(LimitObserver, Protocol):
    """Is told about proofs of work, too."""

    def proof_asked(self) -> None:
        """Somebody was asked for a proof."""

    def proof_given(self, *, accepted: bool) -> None:
        """A proof was good, or was not or not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A registration for which something may be computed.

    Attributes:
        source: where it came from.
        serial: of its proof, if it came with a good one.
    """

    source: str
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitRegistration:
    """Decides before anything is computed, and without looking at the address: so it tells nothing about one.

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

    def let_in(self, source: str, proof: str | None) -> Entry:
        """Decides whether anything is to be computed for the registration.

        A proof that is not good counts as none. A good one is not counted for its source again: the request that was
        given its challenge was. It is not used up yet.

        Raises:
            RateLimited: too many from this source.
            ProofRequired: with a challenge.
            DatabaseUnavailable: nothing could be counted.
        """
        with self.transactions.begin() as session:
            serial = None if proof is None else self._serial_of(session, proof)
            if serial is None:
                self._admit_unproved(session, source)
        return Entry(source=source, serial=serial)

    def clear(self, entry: Entry) -> Clearance:
        """Returns how the registration is let in, and uses its proof up; raises the same.

        To be called when nothing but the database can refuse the registration any more.
        """
        if entry.serial is None:
            return Clearance()
        with self.transactions.begin() as session:
            key = self.keyed_hash.limit_key("proof", entry.serial)
            unused = limits.admit(session, key, _ONCE).admitted
            self.observer.proof_given(accepted=unused)
            if unused:
                return Clearance(proved=True, held_for=self._reason_to_hold(session))
            self._admit_unproved(session, entry.source)
        return Clearance()

    def _serial_of(self, session: Session, proof: str) -> str | None:
        """Returns what tells a proof from all others, if it is good and has not been sent too often."""
        serial = self.proofs.serial_of(proof)
        if serial is not None:
            key = self.keyed_hash.limit_key("proof sent", serial)
            if limits.admit(session, key, _TRIES, lazily=True).admitted:
                return serial
        self.observer.proof_given(accepted=False)
        return None

    def _admit_unproved(self, session: Session, source: str) -> None:
        self.source.admit(session, source)
        if self._asks_for_proof(session):
            self.observer.proof_asked()
            challenge = self.proofs.new_challenge()
            raise ProofRequired(challenge.document, expires_at=challenge.expires_at)

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
