"""① Where somebody is led who has signed in: to a page of ours only, whatever the address asks for."""

from __future__ import annotations

import re
from typing import Final

from flask import Response

from auth_service.http.pages.site import Site

FIELD: Final = "continue"
"""In the address of the page, and in its form."""

# Nothing that a browser may take for another host, such as `//` or a backslash.
# Of the account's page no query either: it would have the page say that something was saved.
_ACCOUNT: Final = re.compile(r"/account(?:#[\x21-\x5b\x5d-\x7e]*)?")
_APPLICATION: Final = re.compile(r"/v1/authorize\?[\x21-\x5b\x5d-\x7e]*")


def checked(way_on: str) -> str:
    """Returns a way on that is one of ours; empty for every other."""
    return way_on if _ACCOUNT.fullmatch(way_on) or _APPLICATION.fullmatch(way_on) else ""


def lead_on(site: Site, way_on: str, *, session: str) -> Response:
    """Returns the answer to a form that signed somebody in.

    Args:
        site: the pages.
        way_on: where the person was going.
        session: their new session's cookie.
    """
    way = checked(way_on)
    if _APPLICATION.fullmatch(way):
        # From there it goes on to the application's site, and browsers do not let a form lead there.
        return site.show("continue.html", session=session, address=f"{site.renderer.base}{way}")
    return site.lead_to(address_of(site, way))


def address_of(site: Site, way_on: str) -> str:
    """Returns the address of a way on that was checked; of the account's page where there is none."""
    return site.renderer.base + way_on if way_on else site.own_address("/account")
