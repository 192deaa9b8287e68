"""② Announce: a letter to everybody verified, a batch at a time, so that it may stop anywhere and go on.

Letters and cursor of a batch are one transaction, under the announcement's lock: nobody gets two, nobody is missed,
whoever is killed and however many run at once. Whoever is verified after the start is not of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from auth_service.db.announcements import (
    add_announcement,
    count_left,
    count_pending_bulk,
    find_announcement,
    hold_accounts,
    is_anything_open_since,
    lock_announcement,
    move_announcement,
    next_addressees,
)
from auth_service.db.audit import record
from auth_service.db.transactions import Transactions
from auth_service.domain.announcement import Addressee, Announcement
from auth_service.domain.audit import AuditAction, operator_actor
from auth_service.errors import AnotherAnnouncement, NothingToAnnounce
from auth_service.outbox.enqueue_many import enqueue_announced
from auth_service.security.secrets import KeyedHash
from mail_contract.letters import LETTERS, LetterContext, definition_of
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """An operator has something to say to everybody. Every method raises DatabaseUnavailable, and may be repeated then.

    Attributes:
        transactions: for each step.
        sealer: seals letters.
        keyed_hash: for tags of mailboxes.
        by: the operator's name.
    """

    transactions: Transactions
    sealer: Sealer
    keyed_hash: KeyedHash
    by: str

    def find(self, name: str, context: LetterContext | None) -> Announcement | None:
        """Returns the announcement of that name, if it was started; raises AnotherAnnouncement if it says otherwise."""
        with self.transactions.begin() as session:
            found = find_announcement(session, name)
        if found is not None and context is not None:
            says = (definition_of(context).name, context.model_dump())
            if says != (found.letter, dict(found.context)):
                raise AnotherAnnouncement
        return found

    def count_left(self, announcement: Announcement | None) -> int:
        """Counts who is still to get a letter; of one not started yet, everybody verified by now."""
        with self.transactions.begin() as session:
            return count_left(session, announcement)

    def start(self, name: str, context: LetterContext | None) -> Announcement:
        """Returns the announcement of that name, started now if it was not.

        Raises:
            AnotherAnnouncement: the name is taken.
            NothingToAnnounce: it was never started and there is nothing to start it with.
        """
        found = self.find(name, context)
        if found is None and context is not None:
            with self.transactions.begin() as session:
                add_announcement(session, name, definition_of(context).name, context.model_dump())
                record(session, AuditAction.ANNOUNCE, actor=operator_actor(self.by), target=name)
            found = self.find(name, context)
        if found is None:
            raise NothingToAnnounce
        return found

    def is_settled(self, announcement: Announcement) -> bool:
        """Says whether all who were verified by its start can be seen.

        A verification in progress at that moment bears an earlier time, and shows only when it is committed: passing over
        it would miss somebody.
        """
        with self.transactions.begin() as session:
            return not is_anything_open_since(session, announcement.started_at)

    def has_room(self, *, most_pending: int) -> bool:
        """Says whether fewer bulk letters than that wait for the relay."""
        with self.transactions.begin() as session:
            return count_pending_bulk(session, at_most=most_pending) < most_pending

    def write_batch(self, name: str, *, limit: int) -> Announcement:
        """Writes the next letters, at most `limit`; returns where the announcement stands."""
        with self.transactions.begin() as session:
            announcement, now = lock_announcement(session, name)
            if announcement.is_finished:
                return announcement
            people = next_addressees(session, announcement, limit=limit)
            letters = {person.account_id: self._seal(announcement, person, now) for person in people}
            # Sealed before anybody is held: a registration of theirs need not wait for that.
            there = hold_accounts(session, letters.keys())
            written = {account_id: letter for account_id, letter in letters.items() if account_id in there}
            enqueue_announced(session, written, announcement=name)
            return move_announcement(
                session,
                name,
                last_account_id=people[-1].account_id if people else None,
                letters=len(written),
                finished=len(people) < limit,
            )

    def _seal(self, announcement: Announcement, person: Addressee, now: datetime) -> Envelope:
        definition = LETTERS[announcement.letter]
        header = EnvelopeHeader(
            id=uuid4(),
            letter=definition.name,
            letter_class=definition.letter_class,
            priority=definition.priority,
            created_at=now,
            expires_at=now + definition.lifetime,
            locale=person.locale,
            recipient_tag=self.keyed_hash.recipient_tag(person.canonical_email),
        )
        return self.sealer.seal(header, Contents(recipient=person.email, context=dict(announcement.context)))
