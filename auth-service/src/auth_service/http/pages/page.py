"""Rendering pages: every one has its own nonce, and whatever has none does not run."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from auth_service.domain.application import Brand
from auth_service.http.pages.catalogue import LANGUAGES, texts_in

_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'{forms}; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is to be rendered.

    Attributes:
        template: a file in `templates/`.
        locale: a language of the catalogue.
        values: for the template.
        brand: of the application whose people see it; None for our own.
        forms_lead_to: a scheme to which what answers its form may lead, without the colon; empty for none but our own pages.
    """

    template: str
    locale: str
    values: Mapping[str, Any] = field(default_factory=dict)
    brand: Brand | None = None
    forms_lead_to: str = ""


class Renderer:
    """Turns pages into answers.

    Args:
        public_url: where people reach the pages, without a slash at its end; its path begins every link and call of theirs.
        product_name: what pages call the application.
    """

    def __init__(self, *, public_url: str, product_name: str = "Postern") -> None:
        self.base = urlsplit(public_url).path
        self._templates = Environment(
            loader=PackageLoader("auth_service.http.pages", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._assets = Environment(loader=PackageLoader("auth_service.http.pages", "assets"), autoescape=True)
        self._templates.globals["asset"] = self._asset
        self._templates.globals["base"] = self.base
        self._own = Brand(name=product_name)

    def render(self, page: Page) -> Response:
        """Returns the page; styles and scripts are in it, so one request is all it takes."""
        nonce = secrets.token_urlsafe(16)
        html = self._templates.get_template(page.template).render(
            nonce=nonce,
            locale=page.locale,
            languages=LANGUAGES,
            t=texts_in(page.locale),
            brand=page.brand or self._own,
            **page.values,
        )
        response = Response(html, content_type="text/html; charset=utf-8")
        forms = f" {page.forms_lead_to}:" if page.forms_lead_to else ""
        response.headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce, forms=forms)
        response.headers["Content-Language"] = page.locale
        response.headers["Vary"] = "Accept-Language"
        return response

    def _asset(self, name: str) -> Markup:
        """Returns a file of ours as it is; nothing of a request is in it."""
        loader = self._assets.loader
        assert loader is not None  # noqa: S101 - given above
        source, _, _ = loader.get_source(self._assets, name)
        return Markup(source)  # noqa: S704
