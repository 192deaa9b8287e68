"""② Read the audit: what was done to somebody's account, by whom, as an operator asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth_service.db.accounts import find_account
from auth_service.db.audit import newest_records
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.audit import AuditRecord
from auth_service.security.secrets import KeyedHash


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAudit:
    """An operator wants to know what happened."""

    transactions: Transactions
    keyed_hash: KeyedHash

    def __call__(self, about: Address | UUID, *, limit: int) -> Sequence[AuditRecord]:
        """Returns what was done, the newest last, at most so much.

        Args:
            about: an account's id, also of one that is gone, or an address: of its account, and of its mailbox while it had none.
            limit: records.

        Raises:
            DatabaseUnavailable: nothing can be said now.
        """
        with self.transactions.begin() as session:
            if isinstance(about, UUID):
                return newest_records(session, {str(about)}, limit=limit)
            targets = {self.keyed_hash.recipient_tag(about.canonical)}
            account = find_account(session, about.canonical)
            if account is not None:
                targets.add(str(account.id))
            return newest_records(session, targets, limit=limit)
