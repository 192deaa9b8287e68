"""Puts together what people see; a part of `bootstrap.py`. Pages call the resources' own methods, never the API over HTTP."""

from __future__ import annotations

from auth_service.account_bootstrap import Accounts, Shared
from auth_service.flows.continue_session import ContinueSession
from auth_service.flows.read_receipt import ReadReceipt
from auth_service.http.oauth_server import OAuthServer
from auth_service.http.pages.account import AccountPage
from auth_service.http.pages.account_forms import AccountForms
from auth_service.http.pages.authorize import AuthorizePage
from auth_service.http.pages.browser_session import BrowserSession
from auth_service.http.pages.email_change import EmailChangePages
from auth_service.http.pages.forgotten import ForgottenPages
from auth_service.http.pages.form_addresses import FormAddresses
from auth_service.http.pages.form_tokens import FormTokens
from auth_service.http.pages.page import Renderer
from auth_service.http.pages.refuse import RefusePages
from auth_service.http.pages.sign_in import SignInPages
from auth_service.http.pages.sign_up import SignUpPages
from auth_service.http.pages.site import Site
from auth_service.http.pages.verify import VerifyPages
from auth_service.http.refusals import Refusals
from auth_service.http.registrations import Registrations
from auth_service.http.route import Resource
from auth_service.http.verifications import Verifications
from auth_service.settings import ApiSettings


def build_sign_up_pages(
    site: Site,
    *,
    registrations: Registrations,
    verifications: Verifications,
    refusals: Refusals,
    read_receipt: ReadReceipt,
) -> tuple[Resource, ...]:
    """Returns the pages of whoever has no account yet."""
    return (
        SignUpPages(site=site, registrations=registrations, read_receipt=read_receipt),
        VerifyPages(site=site, verifications=verifications),
        RefusePages(site=site, refusals=refusals),
    )


def build_account_pages(
    settings: ApiSettings, site: Site, shared: Shared, accounts: Accounts, oauth: OAuthServer
) -> tuple[Resource, ...]:
    """Returns the pages of whoever signs in and is signed in."""
    lifetimes = settings.session_lifetimes
    browser = BrowserSession(
        resume=ContinueSession(transactions=shared.transactions, sessions=accounts.sessions),
        sessions=accounts.sessions,
        sources=shared.sources,
        lifetimes=lifetimes,
    )
    page = AccountPage(
        site=site, browser=browser, read=accounts.own_account.read, manage=accounts.session_list.manage
    )
    return (
        SignInPages(
            site=site,
            browser=browser,
            read=accounts.own_account.read,
            sign_ins=accounts.sign_ins,
            links=accounts.links,
        ),
        ForgottenPages(site=site, resets=accounts.resets),
        EmailChangePages(site=site, changes=accounts.email_changes, browser=browser),
        page,
        FormAddresses(site=site),
        AuthorizePage(site=site, browser=browser, read=accounts.own_account.read, server=oauth),
        AccountForms(
            page=page,
            account=accounts.own_account,
            changes=accounts.email_changes,
            sign_ins=accounts.sign_ins,
        ),
    )


def build_site(settings: ApiSettings, renderer: Renderer, shared: Shared) -> Site:
    """Returns what all of them share."""
    return Site(
        renderer=renderer,
        tokens=FormTokens(keyed_hash=shared.keyed_hash),
        applications=settings.applications,
        sign_in_url=settings.sign_in_url or "",
    )
