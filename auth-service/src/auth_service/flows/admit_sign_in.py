"""② Whether a password may be tried now: by its source, by its address, by what everybody does together.

Each password is counted as a wrong one before it is compared, and taken back if it was right: however many are sent at once, no
more are compared. All is counted by the address that was typed, whether it has an account or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from auth_service.db import limits
from auth_service.db.transactions import Transactions
from auth_service.domain.limit import Limit, LimitName
from auth_service.errors import DatabaseUnavailable
from auth_service.flows.limits import LimitObserver, SourceLimit
from auth_service.flows.proof_of_work import ProofOfWork
from auth_service.security.secrets import KeyedHash

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A password that is counted.

    Attributes:
        source: the name under which its network address is counted.
        key: under which its address is counted.
        within: whether it may be compared; if not, it is answered as a wrong one.
    """

    source: str
    key: bytes
    within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitSignIn:
    """Counts passwords.

    Attributes:
        transactions: that commit each statement.
        source: wrong passwords from one network address; over it nothing is computed.
        address: wrong passwords for one address; over it none is right, until the oldest is forgotten.
        everybody: wrong passwords by all together; above it a proof of work is asked for.
        proofs: of work.
        keyed_hash: hides addresses.
        observer: told about each decision.
    """

    transactions: Transactions
    source: SourceLimit
    address: Limit
    everybody: Limit
    proofs: ProofOfWork
    keyed_hash: KeyedHash
    observer: LimitObserver

    def let_in(self, source: str, proof: str | None) -> None:
        """Decides whether anything is to be computed, without looking at the address.

        Raises:
            RateLimited: too many wrong ones from this source.
            ProofRequired: too many by everybody, and no good proof.
            DatabaseUnavailable: nothing could be counted.
        """
        with self.transactions.begin() as session:
            self.source.admit(session, source)
            if not limits.is_full(session, self._together, self.everybody):
                return
            serial = None if proof is None else self.proofs.serial_of(session, proof)
            if serial is None or not self.proofs.use(session, serial):
                limits.take_back(session, self.source.key_of(source), lazily=True)
                self.observer.decided(LimitName.ALL_SIGN_IN, admitted=False)
                self.proofs.ask()

    def count(self, source: str) -> None:
        """Counts for the source alone the password of a person who is known by more than an address.

        Raises:
            RateLimited: too many wrong ones from this source.
            DatabaseUnavailable: nothing could be counted.
        """
        with self.transactions.begin() as session:
            self.source.admit(session, source)

    def begin(self, source: str, address: str, *, known_from: str | None) -> Attempt:
        """Counts a password as a wrong one for its address.

        Args:
            source: as it was let in.
            address: canonical.
            known_from: the source, if a session of the account came from there before: what strangers try elsewhere does
                not keep its person out.
        """
        whose = address if known_from is None else f"{address} from {known_from}"
        key = self.keyed_hash.limit_key(LimitName.SIGN_IN, whose)
        with self.transactions.begin() as session:
            within = limits.admit(session, key, self.address, lazily=True).admitted
        if not self.address.is_off:
            self.observer.decided(LimitName.SIGN_IN, admitted=within)
        return Attempt(source=source, key=key, within=within)

    def take_back(self, attempt: Attempt) -> None:
        """The password was right, or was not compared: it is not counted. If that cannot be written it counts.

        What the password was for may be done and committed: whoever was signed in must not be told to try again.
        """
        counted = (
            (self.source.limit, self.source.key_of(attempt.source)),
            # Over its limit nothing was counted for the address.
            (self.address if attempt.within else Limit(), attempt.key),
        )
        keys = [key for limit, key in counted if not limit.is_off]
        if not keys:
            return
        try:
            with self.transactions.begin() as session:
                limits.take_back(session, *keys, lazily=True)
        except DatabaseUnavailable as error:
            _log.warning("sign_in_count_stays", error=type(error.__cause__).__name__)

    def wrong(self) -> None:
        """It was wrong: it is counted for everybody, too."""
        if not self.everybody.is_off:
            with self.transactions.begin() as session:
                limits.admit(session, self._together, self.everybody, lazily=True)

    @property
    def _together(self) -> bytes:
        return self.keyed_hash.limit_key(LimitName.ALL_SIGN_IN, "")
