"""Puts together what people call to sign in, and what is called by whoever is signed in; a part of `bootstrap.py`."""

from __future__ import annotations

from dataclasses import dataclass

from auth_service.db.transactions import Transactions
from auth_service.domain.limit import LimitName
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.admit_sign_in import AdmitSignIn
from auth_service.flows.authenticate import Authenticate
from auth_service.flows.change_email import ChangeEmail
from auth_service.flows.change_password import ChangePassword
from auth_service.flows.confirm_email import ConfirmEmail
from auth_service.flows.confirm_identity import ConfirmIdentity
from auth_service.flows.delete_account import DeleteAccount, EraseAccount
from auth_service.flows.letter_writer import LetterWriter
from auth_service.flows.limits import CodeLimit, MailboxLimit, SourceLimit
from auth_service.flows.manage_sessions import ManageSessions
from auth_service.flows.proof_of_work import ProofOfWork
from auth_service.flows.read_account import ReadAccount
from auth_service.flows.request_account_letter import RequestAccountLetter
from auth_service.flows.reset_password import ResetPassword
from auth_service.flows.revert_email import RevertEmail
from auth_service.flows.sessions import Sessions
from auth_service.flows.sign_in import SignIn
from auth_service.flows.sign_in_by_letter import SignInByLetter
from auth_service.http.account import OwnAccount
from auth_service.http.authentication import Authentication
from auth_service.http.email_changes import EmailChanges
from auth_service.http.jwks import Jwks
from auth_service.http.metrics import Metrics
from auth_service.http.password_resets import PasswordResets
from auth_service.http.passwords import PasswordChecks
from auth_service.http.route import Resource
from auth_service.http.session_list import SessionList
from auth_service.http.sign_in_links import SignInLinks
from auth_service.http.sign_ins import SignIns
from auth_service.http.sources import Sources
from auth_service.security.passwords import Passwords
from auth_service.security.secrets import KeyedHash
from auth_service.settings import ApiSettings


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
        writer: writes letters.
        requests: of letters to one mailbox.
        codes: wrong ones for one mailbox.
        checks: of passwords that are chosen.
    """

    transactions: Transactions
    counting: Transactions
    keyed_hash: KeyedHash
    passwords: Passwords
    proofs: ProofOfWork
    sources: Sources
    metrics: Metrics
    writer: LetterWriter
    requests: MailboxLimit
    codes: CodeLimit
    checks: PasswordChecks


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The resources of whoever signs in and is signed in.

    Attributes:
        sessions: the flow that opens and ends them; the others are resources.
    """

    sessions: Sessions
    sign_ins: SignIns
    session_list: SessionList
    jwks: Jwks
    resets: PasswordResets
    links: SignInLinks
    own_account: OwnAccount
    email_changes: EmailChanges

    def resources(self) -> tuple[Resource, ...]:
        """Returns those that have calls."""
        return (
            self.sign_ins,
            self.session_list,
            self.jwks,
            self.resets,
            self.links,
            self.own_account,
            self.email_changes,
        )


def build_accounts(settings: ApiSettings, shared: Shared) -> Accounts:
    """Puts them together."""
    tokens = settings.access_tokens(settings.public_url, settings.applications.audiences)
    letters = AccountLetters(writer=shared.writer, sign_in_url=settings.sign_in_page)
    sessions = Sessions(
        transactions=shared.transactions,
        tokens=tokens,
        keyed_hash=shared.keyed_hash,
        letters=letters,
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
    resets, links = _build_letters(shared, letters, sessions)
    own_account, email_changes = _build_own_account(shared, letters, sign_in, authentication)
    return Accounts(
        sessions=sessions,
        sign_ins=SignIns(
            sign_in=sign_in,
            admit=admit,
            sessions=sessions,
            sources=shared.sources,
            authentication=authentication,
            metrics=shared.metrics,
        ),
        session_list=SessionList(
            manage=ManageSessions(transactions=shared.transactions, sessions=sessions),
            authentication=authentication,
        ),
        jwks=Jwks(keys=settings.keys()),
        resets=resets,
        links=links,
        own_account=own_account,
        email_changes=email_changes,
    )


def _build_letters(
    shared: Shared, letters: AccountLetters, sessions: Sessions
) -> tuple[PasswordResets, SignInLinks]:
    send = RequestAccountLetter(
        transactions=shared.transactions,
        letters=letters,
        keyed_hash=shared.keyed_hash,
        requests=shared.requests,
    )
    return (
        PasswordResets(
            send=send,
            reset=ResetPassword(
                transactions=shared.transactions,
                passwords=shared.passwords,
                keyed_hash=shared.keyed_hash,
                letters=letters,
            ),
            sources=shared.sources,
            passwords=shared.checks,
        ),
        SignInLinks(
            send=send,
            sign_in=SignInByLetter(
                transactions=shared.transactions,
                keyed_hash=shared.keyed_hash,
                codes=shared.codes,
                sessions=sessions,
            ),
            sources=shared.sources,
        ),
    )


def _build_own_account(
    shared: Shared, letters: AccountLetters, sign_in: SignIn, authentication: Authentication
) -> tuple[OwnAccount, EmailChanges]:
    transactions, keyed_hash = shared.transactions, shared.keyed_hash
    identity = ConfirmIdentity(transactions=transactions, sign_in=sign_in)
    return (
        OwnAccount(
            read=ReadAccount(transactions=transactions, keyed_hash=keyed_hash),
            change_password=ChangePassword(
                transactions=transactions,
                passwords=shared.passwords,
                keyed_hash=keyed_hash,
                letters=letters,
                identity=identity,
            ),
            delete=DeleteAccount(
                identity=identity,
                erase=EraseAccount(transactions=transactions, keyed_hash=keyed_hash, letters=letters),
            ),
            authentication=authentication,
            sources=shared.sources,
            passwords=shared.checks,
        ),
        EmailChanges(
            change=ChangeEmail(
                transactions=transactions,
                letters=letters,
                keyed_hash=keyed_hash,
                requests=shared.requests,
            ),
            confirm=ConfirmEmail(
                transactions=transactions, keyed_hash=keyed_hash, letters=letters, sign_in=sign_in
            ),
            revert=RevertEmail(transactions=transactions, keyed_hash=keyed_hash, letters=letters),
            authentication=authentication,
            sources=shared.sources,
        ),
    )
