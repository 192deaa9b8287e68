"""Counts of wrong passwords while the database is away."""

import pytest

from auth_service.db.transactions import Transactions
from auth_service.domain.limit import LimitName, parse_limit
from auth_service.errors import DatabaseUnavailable
from auth_service.flows.admit_sign_in import AdmitSignIn, Attempt
from auth_service.flows.limits import SourceLimit
from auth_service.flows.proof_of_work import ProofOfWork
from auth_service.security.proofs import Proofs
from auth_service.security.secrets import KeyedHash
from service_runtime.database.engine import build_engine, build_sessions

KEY = KeyedHash("a key")
LIMIT = parse_limit("1/minute")


class _Silent:
    def decided(self, limit: LimitName, *, admitted: bool) -> None: ...

    def proof_asked(self) -> None: ...

    def proof_given(self, *, accepted: bool) -> None: ...


def test_whoever_was_signed_in_is_not_told_otherwise_because_the_count_stays() -> None:
    engine = build_engine("postgresql://auth:nobody@127.0.0.1:1/auth", application="test", connections=1)
    silent = _Silent()
    admit = AdmitSignIn(
        transactions=Transactions(build_sessions(engine)),
        source=SourceLimit(name=LimitName.SOURCE_SIGN_IN, limit=LIMIT, keyed_hash=KEY, observer=silent),
        address=LIMIT,
        everybody=LIMIT,
        proofs=ProofOfWork(proofs=Proofs(keyed_hash=KEY, tries=100), keyed_hash=KEY, observer=silent),
        keyed_hash=KEY,
        observer=silent,
    )
    with pytest.raises(DatabaseUnavailable):
        admit.begin("192.0.2.1", "linh@example.com", known_from=None)
    admit.take_back(Attempt(source="192.0.2.1", key=b"k", within=True))
