"""② Whether somebody may register now: by their source, by what everybody does together, by a proof of work."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from auth_service.db import limits
from auth_service.db.transactions import Transactions
from auth_service.domain.campaign import Clearance, HoldReason
from auth_service.domain.limit import Limit, LimitName
from auth_service.flows.campaign_watch import CampaignWatch
from auth_service.flows.limits import LimitObserver, SourceLimit
from auth_service.flows.proof_of_work import ProofOfWork
from auth_service.security.secrets import KeyedHash


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
        proofs: of work.
        keyed_hash: makes the keys under which all this is counted.
        observer: told about each decision.
    """

    transactions: Transactions
    source: SourceLimit
    everybody: Limit
    proved: Limit
    watch: CampaignWatch
    proofs: ProofOfWork
    keyed_hash: KeyedHash
    observer: LimitObserver

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
            serial = None if proof is None else self.proofs.serial_of(session, proof)
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
            if self.proofs.use(session, entry.serial):
                return Clearance(proved=True, held_for=self._reason_to_hold(session))
            self._admit_unproved(session, entry.source)
        return Clearance()

    def _admit_unproved(self, session: Session, source: str) -> None:
        self.source.admit(session, source)
        if self._asks_for_proof(session):
            self.proofs.ask()

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
