"""② Import accounts that other software exported, a batch of lines a transaction, so that it may stop anywhere and go on.

The accounts of a batch and how far the file has come are one transaction, under the import's lock: nobody is imported twice and
nobody is missed, whoever is killed and however many run at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from auth_service.db.account_imports import (
    add_accounts,
    add_pending,
    addresses_that_wait,
    addresses_with_account,
    begin_import,
    find_import,
    lock_import,
    move_import,
    record_imports,
)
from auth_service.db.transactions import Transactions
from auth_service.domain.account_import import AccountImport, ImportedPerson, RefusedLine
from auth_service.domain.audit import operator_actor
from auth_service.security.secrets import Derived, KeyedHash

TAKEN = "the address has an account already"
TWICE = "an earlier line has the same address"
WAITS = "the address waits for its confirmation already"

NO_PASSWORD = "!"  # noqa: S105 - a mark
"""In the place of a hash where nobody's password may open the account; whoever confirms the address chooses one."""

Entry = ImportedPerson | RefusedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportAccounts:
    """An operator brings people from elsewhere. Every method raises DatabaseUnavailable, and may be repeated then."""

    transactions: Transactions
    keyed_hash: KeyedHash
    by: str

    def begin(self, digest: bytes) -> AccountImport:
        """Returns how far the file of that digest has come; it is begun now if it was not."""
        with self.transactions.begin() as session:
            begin_import(session, digest)
            return lock_import(session, digest)

    def find(self, digest: bytes) -> AccountImport | None:
        """Returns how far the file of that digest has come, if it was begun."""
        with self.transactions.begin() as session:
            return find_import(session, digest)

    def judge(self, entries: Sequence[Entry]) -> Sequence[RefusedLine]:
        """Returns those that would be refused now; writes nothing."""
        with self.transactions.begin() as session:
            return self._refused(session, entries)

    def write_batch(
        self, digest: bytes, entries: Sequence[Entry], *, first: int, last: bool
    ) -> tuple[AccountImport, Sequence[RefusedLine]]:
        """Imports records of the file; returns how far it has come, and which were refused.

        Args:
            digest: of the file.
            entries: its records, in order; those that another run did meanwhile are passed over.
            first: how many records of the file are before them.
            last: whether none is behind them.
        """
        with self.transactions.begin() as session:
            before = lock_import(session, digest)
            left = entries[max(0, before.records - first) :]
            refused = self._refused(session, left)
            lines = {entry.line for entry in refused}
            people = [
                entry for entry in left if isinstance(entry, ImportedPerson) and entry.line not in lines
            ]
            made = add_accounts(session, [_account(person) for person in people if person.verified])
            record_imports(session, made.values(), actor=operator_actor(self.by))
            # Whoever registered between the look and the insert was quicker.
            late = [
                RefusedLine(line=person.line, reason=TAKEN)
                for person in people
                if person.verified and person.address.canonical not in made
            ]
            waiting = [person for person in people if not person.verified]
            add_pending(session, [self._registration(person) for person in waiting])
            now = move_import(
                session,
                digest,
                accounts=len(made),
                pending=len(waiting),
                refused=len(refused) + len(late),
                finished=last,
            )
            return now, sorted([*refused, *late], key=lambda entry: entry.line)

    def _refused(self, session: Session, entries: Sequence[Entry]) -> Sequence[RefusedLine]:
        addresses = {entry.address.canonical for entry in entries if isinstance(entry, ImportedPerson)}
        taken = addresses_with_account(session, addresses)
        waiting = addresses_that_wait(session, addresses)
        return list(_refused(entries, taken=taken, waiting=waiting))

    def _registration(self, person: ImportedPerson) -> dict[str, Any]:
        id_ = uuid4()
        return {
            "id": id_,
            "email": person.address.typed,
            "canonical_email": person.address.canonical,
            "recipient_tag": self.keyed_hash.recipient_tag(person.address.canonical),
            # Whoever set it may not be who reads the mailbox, and nobody has this registration's secret.
            "password_hash": NO_PASSWORD,
            "locale": person.locale,
            "secret_hash": self.keyed_hash.secret_of(id_, Derived.REGISTRATION_SECRET).digest,
            "refusal_hash": self.keyed_hash.secret_of(id_, Derived.REFUSAL).digest,
        }


def _refused(entries: Sequence[Entry], *, taken: set[str], waiting: set[str]) -> Iterator[RefusedLine]:
    seen: set[str] = set()
    for entry in entries:
        if isinstance(entry, RefusedLine):
            yield entry
            continue
        address = entry.address.canonical
        if address in taken:
            yield RefusedLine(line=entry.line, reason=TAKEN)
        elif address in seen:
            yield RefusedLine(line=entry.line, reason=TWICE)
        elif address in waiting and not entry.verified:
            yield RefusedLine(line=entry.line, reason=WAITS)
        seen.add(address)


def _account(person: ImportedPerson) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "email": person.address.typed,
        "canonical_email": person.address.canonical,
        "password_hash": person.password_hash,
        "locale": person.locale,
        "made_at": person.created_at,
    }
