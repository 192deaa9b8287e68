"""① The application: resources in, Flask out."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask

from auth_service.http.lifecycle import surround_requests
from auth_service.http.metrics import Metrics
from auth_service.http.problems import answer_errors_with_problems
from auth_service.http.route import Route


def build_app(routes: Sequence[Route], *, metrics: Metrics, over_tls: bool) -> Flask:
    """Returns the application that answers these routes.

    Nothing it writes depends on a Host or forwarding header.
    """
    app = Flask("auth_service", static_folder=None, template_folder=None)
    # A redirect to the "right" spelling would be an answer that is neither documented nor a problem.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    surround_requests(app, metrics=metrics, over_tls=over_tls)
    answer_errors_with_problems(app)
    for route in routes:
        app.add_url_rule(route.path, endpoint=route.name, view_func=route.view, methods=[route.method])
    return app
