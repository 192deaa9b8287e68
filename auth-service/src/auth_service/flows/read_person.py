"""② Find a person, and read all that is kept of them, as an operator asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth_service.db.audit import record
from auth_service.db.person import Row, Traces, accounts_that_had, read_person, traces_of
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.audit import AuditAction, operator_actor
from auth_service.errors import NoSuchAccount
from auth_service.security.secrets import KeyedHash


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPerson:
    """An operator looks at somebody. Every method takes an address, or the id of an account or registration.

    Every one raises NoSuchAccount where nothing is kept, and DatabaseUnavailable.
    """

    transactions: Transactions
    keyed_hash: KeyedHash

    def __call__(
        self, about: Address | UUID, *, exported_by: str | None = None
    ) -> Mapping[str, Sequence[Row]]:
        """Returns what is kept, by table.

        Args:
            about: whom.
            exported_by: the operator's name, where it is given away: that is written into the audit.
        """
        address, id_ = (None, about) if isinstance(about, UUID) else (about.canonical, None)
        with self.transactions.begin() as session:
            addresses, accounts = traces_of(session, address=address, id_=id_)
            tags = {self.keyed_hash.recipient_tag(canonical) for canonical in addresses}
            found = read_person(session, Traces(addresses=addresses, tags=tags, accounts=accounts))
            if not any(found.values()):
                raise NoSuchAccount
            for account in found["accounts"] if exported_by else ():
                actor = operator_actor(exported_by or "")
                record(session, AuditAction.ACCOUNT_EXPORT, actor=actor, target=account["id"])
        return found

    def formerly(self, address: Address) -> Sequence[Row]:
        """Returns changes of address from or to this one, whosever they are."""
        with self.transactions.begin() as session:
            return accounts_that_had(session, address.canonical)
