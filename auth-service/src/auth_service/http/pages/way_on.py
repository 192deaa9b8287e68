"""① Where somebody is led who has signed in: to a page of ours only, whatever the address asks for."""

from __future__ import annotations

from typing import Final

from flask import Response

from auth_service.http.pages.site import Site
from auth_service.http.pages.way_home import checked, kept_way, leads_home

FIELD: Final = "continue"
"""In the address of the page, and in its form."""


ASKING: Final = "as"
"""In the address of the page that says as whom one is signed in, and leads to an application by a button only."""


def lead_on(site: Site, way_on: str, *, session: str, asking: bool = False) -> Response:
    """Returns the answer to a form that signed somebody in.

    Args:
        site: the pages.
        way_on: where the person was going; what the browser keeps, if it is empty.
        session: their new session's cookie.
        asking: whether they are to see who they are before an application does: a link may be of somebody else, who would have
            them work in an account of his.
    """
    way = checked(way_on or kept_way())
    if leads_home(way):
        if asking:
            return site.lead_to(site.own_address("/signin", **{FIELD: way, ASKING: "1"}))
        # From there it goes on to the application's site, and browsers do not let a form lead there.
        return site.show("continue.html", session=session, address=address_of(site, way), way_on=way)
    return site.lead_to(address_of(site, way))


def address_of(site: Site, way_on: str) -> str:
    """Returns the address of a way on that was checked; of the account's page where there is none."""
    return site.renderer.base + way_on if way_on else site.own_address("/account")
