"""How each part of the stack shows that it does its work, not only that it runs."""

from collections.abc import Callable, Iterator

from postern_local.blueprint import Blueprint
from postern_local.consumers import all_queues_consumed
from postern_local.readiness import database_shows, http_answers
from postern_local.supervision import Supervisor

RELAY_LISTENS = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'auth' AND query ILIKE 'LISTEN %')
"""


def service_answers(
    blueprint: Blueprint, supervisor: Supervisor, *, replicas: int
) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Pairs of a part's name and the question whether it works."""
    yield "inbox", lambda: http_answers(f"{blueprint.http('inbox')}/healthz")
    yield "API", lambda: http_answers(f"{blueprint.http('api')}/readyz")
    yield "relay", lambda: database_shows(blueprint.cluster.url(), RELAY_LISTENS)
    yield "beat", lambda: supervisor.is_running("beat")
    yield (
        "workers",
        lambda: all_queues_consumed(blueprint.broker.management_url, replicas=replicas),
    )
    yield "Flower", lambda: http_answers(f"{blueprint.http('flower')}/healthcheck")
