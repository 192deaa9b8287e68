"""① The application: resources in, Flask out."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from urllib.parse import urlsplit

from flask import Flask

from auth_service.http.application_calls import let_nobody_call_pages
from auth_service.http.below_path import BelowPath
from auth_service.http.cors import answer_registered_origins
from auth_service.http.lifecycle import surround_requests
from auth_service.http.metrics import Metrics
from auth_service.http.origins import refuse_foreign_origins
from auth_service.http.problems import answer_errors_with_problems
from auth_service.http.route import Route


def build_app(
    routes: Sequence[Route],
    *,
    public_url: str,
    metrics: Metrics,
    longest_wait: float | None = None,
    origins: AbstractSet[str] = frozenset(),
) -> Flask:
    """Returns the application that answers these routes.

    Nothing it writes depends on a Host or forwarding header. Where the public address has a path, a request may come with it
    or without: some proxies take it away, some don't.

    Args:
        routes: what it answers.
        public_url: where people reach it.
        metrics: told about each answer.
        longest_wait: seconds that a request may have waited for a thread; None for no bound.
        origins: of applications, whose pages may call the API.
    """
    app = Flask("auth_service", static_folder=None, template_folder=None)
    # A redirect to the "right" spelling would be an answer that is neither documented nor a problem.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    surround_requests(
        app, metrics=metrics, over_tls=public_url.startswith("https://"), longest_wait=longest_wait
    )
    pages = {route.name for route in routes if route.is_page}
    refuse_foreign_origins(app, public_url=public_url, forms=pages, origins=origins)
    answer_registered_origins(app, origins=origins, pages=pages)
    let_nobody_call_pages(app, pages)
    answer_errors_with_problems(app)
    for route in routes:
        app.add_url_rule(route.path, endpoint=route.name, view_func=route.view, methods=[route.method])
    below = BelowPath(application=app.wsgi_app, base=urlsplit(public_url).path)
    app.wsgi_app = below  # type: ignore[method-assign] # the way Flask's documentation shows
    return app
