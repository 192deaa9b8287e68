"""② Register: a pending registration and its letter come to be together or not at all; a taken address answers alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from auth_service.db.address_status import find_address_status
from auth_service.db.mailboxes import lock_mailbox
from auth_service.db.registrations import NewRegistration, add_registration
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.campaign import Clearance
from auth_service.domain.limit import Admission
from auth_service.domain.password_policy import normalized
from auth_service.domain.registration import resend_after
from auth_service.flows.limits import MailboxLimit
from auth_service.flows.sign_up_letters import LetterOrder, SignUpLetters
from auth_service.security.passwords import Passwords
from auth_service.security.secrets import Derived, KeyedHash, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationForm:
    """What somebody registers with.

    Attributes:
        address: parsed.
        password: one that passed the policy.
        locale: BCP 47, the language of the letter.
        device: in words of ours; empty if unknown.
        client_id: which application sent them here, if it said so.
    """

    address: Address
    password: str
    locale: str
    device: str = ""
    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What whoever registered is given.

    Attributes:
        receipt: to follow the letter with.
        secret: says later whose registration it is.
        resend_after: seconds until asking for the letter again makes sense.
    """

    receipt: Secret
    secret: Secret
    resend_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A person asks for an account.

    It touches no other registration of the address: whose password counts is decided by whoever reads the mailbox. A taken
    address gets a registration too, ended at once, and its owner is told.
    """

    transactions: Transactions
    passwords: Passwords
    letters: SignUpLetters
    keyed_hash: KeyedHash
    requests: MailboxLimit

    def __call__(self, form: RegistrationForm, *, clear: Callable[[], Clearance]) -> Registered:
        """Returns receipt and secret; the same ones for the same request within a minute.

        Args:
            form: what was sent in.
            clear: says how it is let in, and uses up the proof of work; asked last, so that whoever is refused before has it
                still.

        Raises:
            ProofRequired, RateLimited: by `clear`.
            TooBusy: no turn to hash in time.
            DatabaseUnavailable: nothing was promised.
        """
        # Hashed for a taken address too, and before the transaction: no lock is held meanwhile.
        salt = self.keyed_hash.password_salt(form.address.canonical)
        password_hash = self.passwords.hash(normalized(form.password), salt=salt)
        clearance = clear()
        with self.transactions.begin() as session:
            admission, registration_id = self._register(session, form, password_hash, clearance)
        return Registered(
            receipt=self.keyed_hash.secret_of(registration_id, Derived.RECEIPT),
            secret=self.keyed_hash.secret_of(registration_id, Derived.REGISTRATION_SECRET),
            resend_after=resend_after(admission),
        )

    def _register(
        self, session: Session, form: RegistrationForm, password_hash: str, clearance: Clearance
    ) -> tuple[Admission, UUID]:
        address = form.address
        tag = self.keyed_hash.recipient_tag(address.canonical)
        now = lock_mailbox(session, tag)
        admission = self.requests.admit(session, address)
        status = find_address_status(
            session,
            typed=address.typed,
            canonical=address.canonical,
            recipient_tag=tag,
            password_hash=password_hash,
        )
        if status.alike is not None:
            return admission, status.alike
        new = self._new(form, tag, password_hash, clearance)
        registration = add_registration(session, new, now=now, taken=status.account is not None)
        order = LetterOrder(
            registration=registration,
            account=status.account,
            recipient_tag=tag,
            now=now,
            receipt=self.keyed_hash.secret_of(registration.id, Derived.RECEIPT),
            receipt_tells=True,
            limited=status.is_refused or not admission.admitted,
            held_for=registration.held_for,
        )
        self.letters.write(session, order)
        return admission, registration.id

    def _new(
        self, form: RegistrationForm, recipient_tag: str, password_hash: str, clearance: Clearance
    ) -> NewRegistration:
        id_ = uuid4()
        return NewRegistration(
            id=id_,
            email=form.address.typed,
            canonical_email=form.address.canonical,
            recipient_tag=recipient_tag,
            password_hash=password_hash,
            locale=form.locale,
            device=form.device,
            client_id=form.client_id,
            proved=clearance.proved,
            held_for=clearance.held_for,
            secret_hash=self.keyed_hash.secret_of(id_, Derived.REGISTRATION_SECRET).digest,
            refusal_hash=self.keyed_hash.secret_of(id_, Derived.REFUSAL).digest,
        )
