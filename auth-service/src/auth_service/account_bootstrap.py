"""Puts together what people call to sign in, and what is called by whoever is signed in; a part of `bootstrap.py`."""

from __future__ import annotations

from dataclasses import dataclass

from auth_service.domain.limit import LimitName
from auth_service.flows.admit_sign_in import AdmitSignIn
from auth_service.flows.authenticate import Authenticate
from auth_service.flows.limits import SourceLimit
from auth_service.flows.manage_sessions import ManageSessions
from auth_service.flows.proof_of_work import ProofOfWork
from auth_service.flows.sessions import Sessions
from auth_service.flows.sign_in import SignIn
from auth_service.http.authentication import Authentication
from auth_service.http.jwks import Jwks
from auth_service.http.metrics import Metrics
from auth_service.http.route import Resource
from auth_service.http.session_list import SessionList
from auth_service.http.sign_ins import SignIns
from auth_service.http.sources import Sources
from auth_service.security.passwords import Passwords
from auth_service.security.secrets import KeyedHash
from auth_service.settings import ApiSettings
from auth_service.store.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What flows of registrations and of accounts have in common.

    Attributes:
        transactions: for flows.
        counting: that commit each statement.
        keyed_hash: with the service's key.
        passwords: hashes and verifies.
        proofs: of work.
        sources: of requests.
        metrics: counts.
    """

    transactions: Transactions
    counting: Transactions
    keyed_hash: KeyedHash
    passwords: Passwords
    proofs: ProofOfWork
    sources: Sources
    metrics: Metrics


def build_accounts(settings: ApiSettings, shared: Shared) -> tuple[Resource, ...]:
    """Returns the resources of whoever signs in and is signed in."""
    tokens = settings.access_tokens(settings.public_url)
    sessions = Sessions(
        transactions=shared.transactions,
        tokens=tokens,
        keyed_hash=shared.keyed_hash,
        lifetimes=settings.session_lifetimes,
    )
    authentication = Authentication(
        authenticate=Authenticate(transactions=shared.transactions, tokens=tokens)
    )
    admit = AdmitSignIn(
        transactions=shared.counting,
        source=SourceLimit(
            name=LimitName.SOURCE_SIGN_IN,
            limit=settings.limit_source_sign_in,
            keyed_hash=shared.keyed_hash,
            observer=shared.metrics,
        ),
        address=settings.limit_sign_in,
        everybody=settings.limit_all_sign_in,
        proofs=shared.proofs,
        keyed_hash=shared.keyed_hash,
        observer=shared.metrics,
    )
    sign_in = SignIn(
        transactions=shared.transactions,
        passwords=shared.passwords,
        sessions=sessions,
        admit=admit,
        keyed_hash=shared.keyed_hash,
    )
    return (
        SignIns(
            sign_in=sign_in,
            admit=admit,
            sessions=sessions,
            sources=shared.sources,
            authentication=authentication,
            metrics=shared.metrics,
        ),
        SessionList(
            manage=ManageSessions(transactions=shared.transactions, sessions=sessions),
            authentication=authentication,
        ),
        Jwks(keys=settings.keys()),
    )
