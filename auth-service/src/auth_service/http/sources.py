"""① Where requests come from, and how many of a kind may come from there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from pydantic import SecretStr

from auth_service.db.transactions import Transactions
from auth_service.domain.device import describe_device
from auth_service.domain.limit import source_of
from auth_service.domain.session import Client
from auth_service.flows.confirm_identity import Proof
from auth_service.flows.limits import SourceLimit
from auth_service.http.client_address import ClientAddresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Counts the request in hand for the network address it came from.

    Attributes:
        addresses: finds that.
        transactions: that commit each statement.
        letters: requests for letters.
        secrets: codes and links.
        refreshes: refresh tokens that are not good.
    """

    addresses: ClientAddresses
    transactions: Transactions
    letters: SourceLimit
    secrets: SourceLimit
    refreshes: SourceLimit

    def name(self) -> str:
        """Returns the name requests of this source are counted under."""
        return source_of(self.addresses.of(request.environ))

    def shown(self) -> str:
        """Returns the network address itself, as the person is shown where they signed in from."""
        return str(self.addresses.of(request.environ))

    def client(self) -> Client:
        """Returns with what and from where the request was made."""
        return Client(device=describe_device(request.headers.get("User-Agent")), source=self.shown())

    def proof(self, password: SecretStr | None) -> Proof:
        """Returns how the request proves whose it is: by the password in its body, if there is one."""
        typed = None if password is None else password.get_secret_value()
        return Proof(password=typed, client=self.client(), source=self.name())

    def admit_letters(self) -> None:
        """Counts a request for a letter; raises RateLimited, DatabaseUnavailable."""
        self._admit(self.letters)

    def admit_secrets(self) -> None:
        """Counts a code or a link that was sent in; raises RateLimited, DatabaseUnavailable."""
        self._admit(self.secrets)

    def admit_bad_refresh(self) -> None:
        """Counts a refresh token that was not good; raises RateLimited, DatabaseUnavailable. A good one is always taken."""
        self._admit(self.refreshes)

    def _admit(self, limit: SourceLimit) -> None:
        with self.transactions.begin() as session:
            limit.admit(session, self.name())
