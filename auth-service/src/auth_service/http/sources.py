"""① Where requests come from, and how many of a kind may come from there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request
from pydantic import SecretStr

from auth_service.account_errors import InvalidClient
from auth_service.db.transactions import Transactions
from auth_service.domain.application import Application
from auth_service.domain.device import describe_device
from auth_service.domain.limit import source_of
from auth_service.domain.session import OWN_CLIENT, Client
from auth_service.flows.confirm_identity import Proof
from auth_service.flows.limits import SourceLimit
from auth_service.http.application_calls import ApplicationCalls
from auth_service.http.client_address import ClientAddresses, IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Counts the request in hand for the network address it came from.

    An application that proves who it is calls for its people, and says for whom: then they are counted, not its server.

    Attributes:
        addresses: finds that.
        applications: finds who calls.
        transactions: that commit each statement.
        letters: requests for letters.
        secrets: codes and links.
        refreshes: refresh tokens, codes and secrets of applications that are not good.
    """

    addresses: ClientAddresses
    applications: ApplicationCalls
    transactions: Transactions
    letters: SourceLimit
    secrets: SourceLimit
    refreshes: SourceLimit

    def application(self) -> Application | None:
        """Returns the application that calls, if one does.

        Raises:
            InvalidClient: it says so, and it is not true; that is counted.
            RateLimited: too many said so.
            DatabaseUnavailable: they cannot be counted.
        """
        if "application" not in g:
            try:
                g.application = self.applications.by_header(request.headers.get("Authorization", ""))
            except InvalidClient:
                g.application = None
                self.admit_bad_refresh()
                raise
        found: Application | None = g.application
        return found

    def client_id(self) -> str:
        """Returns the id of the application that calls; our own where none does."""
        application = self.application()
        return OWN_CLIENT if application is None else application.id

    def name(self) -> str:
        """Returns the name requests of this source are counted under."""
        return source_of(self._address())

    def shown(self) -> str:
        """Returns the network address itself, as the person is shown where they signed in from."""
        return str(self._address())

    def shown_if_known(self) -> str | None:
        """Returns the same; None where an application calls and does not say for whom."""
        if self.application() is not None and self.addresses.passed_on(request.environ) is None:
            return None
        return self.shown()

    def client(self) -> Client:
        """Returns with what, from where and through which application the request was made."""
        device = describe_device(request.headers.get("User-Agent"))
        return Client(device=device, source=self.shown(), client_id=self.client_id())

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
        """Counts a refresh token, a code or an application's secret that was not good; raises RateLimited, DatabaseUnavailable.

        A good one is always taken.
        """
        self._admit(self.refreshes)

    def _address(self) -> IPAddress:
        passed_on = None if self.application() is None else self.addresses.passed_on(request.environ)
        return passed_on or self.addresses.of(request.environ)

    def _admit(self, limit: SourceLimit) -> None:
        with self.transactions.begin() as session:
            limit.admit(session, self.name())
