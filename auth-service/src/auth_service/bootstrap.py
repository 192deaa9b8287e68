"""Puts the API together from its settings; importing it does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Flask

from auth_service.account_bootstrap import Shared, build_accounts
from auth_service.application_bootstrap import build_oauth
from auth_service.db.transactions import Transactions
from auth_service.domain import guessing
from auth_service.domain.limit import LimitName
from auth_service.flows.admit_registration import AdmitRegistration
from auth_service.flows.campaign_watch import CampaignWatch
from auth_service.flows.letter_writer import LetterWriter
from auth_service.flows.limits import CodeLimit, MailboxLimit, SourceLimit
from auth_service.flows.proof_of_work import ProofOfWork
from auth_service.flows.read_receipt import ReadReceipt
from auth_service.flows.refuse_registration import RefuseRegistration
from auth_service.flows.register import Register
from auth_service.flows.resend_verification import ResendVerification
from auth_service.flows.sign_up_letters import SignUpLetters
from auth_service.flows.verify_address import VerifyAddress
from auth_service.http.app import build_app
from auth_service.http.application_calls import ApplicationCalls
from auth_service.http.client_address import ClientAddresses
from auth_service.http.documents import Documents
from auth_service.http.health import Health, Operations
from auth_service.http.metrics import DatabaseCollector, Metrics
from auth_service.http.pages.page import Renderer
from auth_service.http.passwords import PasswordChecks
from auth_service.http.policy import Policy
from auth_service.http.receipts import Receipts
from auth_service.http.refusals import Refusals
from auth_service.http.registrations import Registrations
from auth_service.http.route import Resource
from auth_service.http.sources import Sources
from auth_service.http.verifications import Verifications
from auth_service.page_bootstrap import build_account_pages, build_sign_up_pages, build_site
from auth_service.security.breaches import BreachList
from auth_service.security.passwords import Passwords
from auth_service.security.proofs import Proofs
from auth_service.settings import ApiSettings
from service_runtime.database.engine import build_engine, build_sessions

OPS_THREADS: Final = 2
_PROBE_SECONDS = 2.0  # a probe that takes longer is taken for a failure by whoever asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What one API process serves.

    Attributes:
        public: for everybody.
        ops: for operators.
    """

    public: Flask
    ops: Flask


def build_api(settings: ApiSettings) -> Api:
    """Returns the applications of one API process. To be called after the fork: it opens connections of its own."""
    guessing.prepare()
    engine = build_engine(
        settings.database_url.get_secret_value(),
        application="auth-service api",
        connections=settings.api_threads,
        overflow=2,
    )
    # Connections of their own: probes are answered while requests hold all the others.
    probe_engine = build_engine(
        settings.database_url.get_secret_value(),
        application="auth-service api probes",
        connections=OPS_THREADS,
        overflow=0,
    )
    transactions = Transactions(build_sessions(engine))
    probes = Transactions(build_sessions(probe_engine), seconds=_PROBE_SECONDS)
    # Each statement is its own transaction there: nobody waits for a count until somebody else's password is hashed.
    counting = Transactions(build_sessions(engine.execution_options(isolation_level="AUTOCOMMIT")))
    metrics = Metrics()
    keyed_hash = settings.keyed_hash()
    writer = LetterWriter(sealer=settings.sealer(), keyed_hash=keyed_hash, public_url=settings.public_url)
    letters = SignUpLetters(
        writer=writer,
        sign_in_url=settings.sign_in_page,
        hold_period=settings.hold_period,
    )
    passwords = Passwords(
        at_once=settings.hash_limit, wait_seconds=settings.hash_wait_seconds, observer=metrics
    )
    requests = MailboxLimit(limit=settings.limit_mailbox, keyed_hash=keyed_hash, observer=metrics)
    codes = CodeLimit(limit=settings.limit_codes, keyed_hash=keyed_hash, observer=metrics)
    sources = Sources(
        addresses=ClientAddresses(trusted=settings.trusted_proxies, header=settings.forwarding_header),
        applications=ApplicationCalls(applications=settings.applications),
        transactions=counting,
        letters=SourceLimit(
            name=LimitName.SOURCE, limit=settings.limit_source, keyed_hash=keyed_hash, observer=metrics
        ),
        secrets=SourceLimit(
            name=LimitName.SOURCE_SECRETS,
            limit=settings.limit_source_codes,
            keyed_hash=keyed_hash,
            observer=metrics,
        ),
        refreshes=SourceLimit(
            name=LimitName.SOURCE_REFRESH,
            limit=settings.limit_source_refresh,
            keyed_hash=keyed_hash,
            observer=metrics,
        ),
    )
    watch = CampaignWatch(suspicion=settings.campaign, keyed_hash=keyed_hash)
    proofs = ProofOfWork(
        proofs=Proofs(keyed_hash=keyed_hash, tries=settings.proof_tries),
        keyed_hash=keyed_hash,
        observer=metrics,
    )
    admit = AdmitRegistration(
        transactions=counting,
        source=sources.letters,
        everybody=settings.limit_all,
        proved=settings.limit_proved,
        watch=watch,
        proofs=proofs,
        keyed_hash=keyed_hash,
        observer=metrics,
    )
    checks = PasswordChecks(
        breaches=BreachList(settings.breach_list_url, metrics) if settings.breach_list_url else None
    )
    renderer = Renderer(public_url=settings.public_url, product_name=settings.product_name)
    shared = Shared(
        transactions=transactions,
        counting=counting,
        keyed_hash=keyed_hash,
        passwords=passwords,
        proofs=proofs,
        sources=sources,
        metrics=metrics,
        writer=writer,
        requests=requests,
        codes=codes,
        checks=checks,
    )
    registrations = Registrations(
        register=Register(
            transactions=transactions,
            passwords=passwords,
            letters=letters,
            keyed_hash=keyed_hash,
            requests=requests,
        ),
        resend=ResendVerification(
            transactions=transactions,
            letters=letters,
            keyed_hash=keyed_hash,
            requests=requests,
            watch=watch,
        ),
        admit=admit,
        sources=sources,
        metrics=metrics,
        passwords=checks,
    )
    verifications = Verifications(
        verify=VerifyAddress(
            transactions=transactions, passwords=passwords, keyed_hash=keyed_hash, codes=codes
        ),
        passwords=checks,
        sources=sources,
        metrics=metrics,
    )
    refusals = Refusals(
        refusal=RefuseRegistration(transactions=transactions, keyed_hash=keyed_hash), sources=sources
    )
    accounts = build_accounts(settings, shared)
    oauth = build_oauth(settings, shared, accounts.sessions)
    read_receipt = ReadReceipt(transactions=transactions)
    site = build_site(settings, renderer, shared)
    resources: tuple[Resource, ...] = (
        registrations,
        verifications,
        refusals,
        *accounts.resources(),
        oauth,
        Policy(),
        Receipts(read=read_receipt),
        Health(),
        *build_sign_up_pages(
            site,
            registrations=registrations,
            verifications=verifications,
            refusals=refusals,
            read_receipt=read_receipt,
        ),
        *build_account_pages(settings, site, shared, accounts, oauth.server),
    )
    routes = [route for resource in resources for route in resource.routes()]
    documents = Documents(public_url=settings.public_url, renderer=renderer, described=routes)
    operations = Operations(transactions=probes, metrics=metrics, database=DatabaseCollector(probes))
    return Api(
        public=build_app(
            [*routes, *documents.routes()],
            public_url=settings.public_url,
            metrics=metrics,
            longest_wait=settings.hash_wait_seconds,
            origins=settings.applications.origins,
        ),
        ops=build_app(operations.routes(), public_url=settings.public_url, metrics=metrics),
    )
