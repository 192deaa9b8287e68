"""① Bodies in which a password is chosen: shape and lengths first, then the limit, and only then what costs time to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from auth_service.domain.address import Address, parse_address
from auth_service.domain.password_policy import normalized
from auth_service.errors import InvalidAddress
from auth_service.http.body import check, unprocessable
from auth_service.http.flaws import flaw, flaws_of_password
from auth_service.http.problems import Refusal
from auth_service.security.breaches import BreachList

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChecks:
    """Refuses with 422 what anybody would guess.

    Attributes:
        breaches: the list of those that were in a breach, where one is configured.
    """

    breaches: BreachList | None = None

    def read(self, model: type[M], value: dict[str, Any], *, admit: Callable[[M | None], T]) -> tuple[M, T]:
        """Returns a body, and what `admit` said.

        A refusal names all flaws, also of a body whose password is only one of them.

        Args:
            model: of the body; its password is in the field `password`, its address in `email`.
            value: the body.
            admit: asked before a password is judged; None stands for a body that will be refused.
        """
        body, flaws = check(model, value)
        password = value.get("password")
        if not isinstance(password, str) or any(found.pointer == "#/password" for found in flaws):
            password = None
        if body is None and password is None:
            raise Refusal(unprocessable(*flaws))
        admitted = admit(body)
        if password is not None:
            flaws = [*flaws, *flaws_of_password(password, _address_in(value))]
        if body is None or flaws:
            raise Refusal(unprocessable(*flaws))
        if password is not None:
            self._refuse_breached(password)
        return body, admitted

    def check(self, password: str, address: Address) -> None:
        """Refuses a password of the right length that may not be chosen for the address."""
        flaws = flaws_of_password(password, address)
        if flaws:
            raise Refusal(unprocessable(*flaws))
        self._refuse_breached(password)

    def _refuse_breached(self, password: str) -> None:
        if self.breaches is not None and self.breaches.knows(normalized(password)):
            raise Refusal(unprocessable(flaw("#/password", "breached")))


def _address_in(value: dict[str, Any]) -> Address | None:
    """Returns the address; where it has a flaw of its own, the password is judged without it."""
    email = value.get("email")
    try:
        return parse_address(email) if isinstance(email, str) else None
    except InvalidAddress:
        return None
