"""Applications that use our pages and our API: registered by the operator, each with the addresses it may be sent back to."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(/.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """How pages look to whoever came from an application.

    Attributes:
        name: what they call it.
        logo_text: words at the top; the name if there are none.
        logo: an image as a `data:` URI; empty for ours.
        accent: of buttons and links, `#rrggbb`; empty for ours.
        accent_dark: likewise where the reader prefers dark pages.
    """

    name: str
    logo_text: str = ""
    logo: str = ""
    accent: str = ""
    accent_dark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One of them.

    Attributes:
        id: `client_id`.
        brand: how pages look to whoever came from it.
        secrets: SHA-256 of each that is good; none for a public one, which runs where everybody can read what it holds.
        redirect_uris: where people may be sent back to.
        origins: whose pages may call the API.
        audience: `aud` of the access tokens it gets for a code.
    """

    id: str
    brand: Brand
    secrets: Sequence[bytes] = field(default=(), repr=False)
    redirect_uris: Sequence[str] = ()
    origins: Sequence[str] = ()
    audience: str

    @property
    def is_public(self) -> bool:
        """Whether it has no secret."""
        return not self.secrets

    def knows(self, secret: str) -> bool:
        """Says whether this is a secret of it."""
        digest = hashlib.sha256(secret.encode()).digest()
        return any(hmac.compare_digest(digest, known) for known in self.secrets)

    def may_be_sent_to(self, uri: str) -> bool:
        """Says whether people may be sent back there: character by character what is registered (RFC 9700 section 2.1).

        Of a public one's loopback address any port will do: the system gives a program one when it starts (RFC 8252 section 7.3).
        """
        if uri in self.redirect_uris:
            return True
        return self.is_public and any(_same_but_for_port(uri, known) for known in self.redirect_uris)


def leads_to_a_device(redirect_uri: str) -> bool:
    """Says whether a program on the person's own device waits there: on loopback, or behind a scheme of its own.

    Any program may listen there, so a code that comes without a press is anybody's (RFC 8252 section 8.6).
    """
    return not redirect_uri.startswith("https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applications:
    """All that are registered, by id."""

    by_id: Mapping[str, Application] = field(default_factory=dict)

    def get(self, client_id: str) -> Application | None:
        """Returns the application of that id."""
        return self.by_id.get(client_id)

    @property
    def origins(self) -> frozenset[str]:
        """Whose pages may call the API."""
        return frozenset(origin for application in self.by_id.values() for origin in application.origins)

    @property
    def audiences(self) -> Mapping[str, str]:
        """For whom access tokens are that an application gets for a code, by its id."""
        return {application.id: application.audience for application in self.by_id.values()}


def _same_but_for_port(uri: str, known: str) -> bool:
    asked, registered = _LOOPBACK.fullmatch(uri), _LOOPBACK.fullmatch(known)
    return asked is not None and registered is not None and asked.groups() == registered.groups()
