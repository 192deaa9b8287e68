"""② What is counted for a mailbox or a network address; known and unknown mailboxes alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from auth_service.db import limits
from auth_service.domain.address import Address
from auth_service.domain.limit import FREE, Admission, Limit, LimitName, mailbox_of
from auth_service.errors import RateLimited
from auth_service.security.secrets import KeyedHash


class LimitObserver(Protocol):
    """Is told about every decision; metrics in production, a list in tests."""

    def decided(self, limit: LimitName, *, admitted: bool) -> None:
        """A request was counted, or refused."""


class Unobserved:
    """Of processes without metrics."""

    def decided(self, limit: LimitName, *, admitted: bool) -> None:
        """Tells nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxLimit:
    """Requests for letters to one mailbox, over all purposes, spellings and accounts.

    Attributes:
        limit: over it a request is answered as ever, and no letter is sent.
        keyed_hash: hides the mailbox.
        observer: told about each decision.
    """

    limit: Limit
    keyed_hash: KeyedHash
    observer: LimitObserver

    def admit(self, session: Session, address: Address) -> Admission:
        """Counts a request in the flow's transaction; others for the same mailbox wait until it ends."""
        return self._admit(session, address, of_strangers=False)

    def admit_from_anybody(self, session: Session, address: Address) -> Admission:
        """Does the same with a request that needs nothing but the address, and may end in no letter at all.

        Such requests get at most half of what the mailbox has: else a stranger who asks for what is not sent would use up
        what she needs to sign up.
        """
        return self._admit(session, address, of_strangers=True)

    def _admit(self, session: Session, address: Address, *, of_strangers: bool) -> Admission:
        mailbox = mailbox_of(address)
        admission = FREE
        if of_strangers:
            key = self.keyed_hash.limit_key(LimitName.MAILBOX, f"{mailbox} by address")
            admission = limits.admit(session, key, self.limit.half)
        if admission.admitted:
            key = self.keyed_hash.limit_key(LimitName.MAILBOX, mailbox)
            admission = limits.admit(session, key, self.limit)
        if not self.limit.is_off:
            self.observer.decided(LimitName.MAILBOX, admitted=admission.admitted)
        return admission


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLimit:
    """Wrong codes for one mailbox, over all codes, resends and purposes.

    Attributes:
        limit: over it no code is right any more until the oldest wrong one is forgotten; links still are.
        keyed_hash: hides the mailbox.
        observer: told about each decision.
    """

    limit: Limit
    keyed_hash: KeyedHash
    observer: LimitObserver

    def admit(self, session: Session, recipient_tag: str) -> bool:
        """Counts a code as a wrong one, before it is looked at; says whether it may be looked at.

        Tries at once for one mailbox wait for each other here, whether anything is known of it or not.
        """
        admission = limits.admit(session, self._key(recipient_tag), self.limit)
        if not self.limit.is_off:
            self.observer.decided(LimitName.CODES, admitted=admission.admitted)
        return admission.admitted

    def take_back(self, session: Session, recipient_tag: str) -> None:
        """After the code was right: it is not counted."""
        if not self.limit.is_off:
            limits.take_back(session, self._key(recipient_tag))

    def _key(self, recipient_tag: str) -> bytes:
        return self.keyed_hash.limit_key(LimitName.CODES, recipient_tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimit:
    """Requests of one kind from one network address.

    Attributes:
        name: of the kind.
        limit: over it a request is refused, before anything is computed for it.
        keyed_hash: hides the address.
        observer: told about each decision.
    """

    name: LimitName
    limit: Limit
    keyed_hash: KeyedHash
    observer: LimitObserver

    def admit(self, session: Session, source: str) -> None:
        """Counts a request of a source as `domain.limit.source_of` names it; raises RateLimited."""
        if self.limit.is_off:
            return
        admission = limits.admit(session, self.key_of(source), self.limit, lazily=True)
        self.observer.decided(self.name, admitted=admission.admitted)
        if not admission.admitted:
            raise RateLimited(admission.whole_seconds)

    def key_of(self, source: str) -> bytes:
        """Returns under what a source's requests are counted."""
        return self.keyed_hash.limit_key(self.name, source)
