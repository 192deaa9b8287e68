"""How each part of the stack shows that it does its work, not only that it runs."""

from collections.abc import Callable, Iterator

from postern_local.blueprint import Blueprint
from postern_local.consumers import consumed, letter_queues
from postern_local.readiness import database_shows, http_answers
from postern_local.supervision import Supervisor

RELAY_LISTENS = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'auth' AND query ILIKE 'LISTEN %')
"""


def service_answers(
    blueprint: Blueprint, supervisor: Supervisor, *, replicas: int
) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Pairs of a part's name and the question whether it works."""
    yield "the inbox", lambda: http_answers(f"{blueprint.http('inbox')}/healthz")
    yield "the API", lambda: http_answers(f"{blueprint.http('ops')}/readyz")
    yield "the relay", lambda: database_shows(blueprint.cluster.url(), RELAY_LISTENS)
    yield "beat", lambda: supervisor.is_running("beat")
    letters = letter_queues(blueprint.surroundings)
    broker = blueprint.broker.amqp_url
    yield "every worker", lambda: consumed(broker, letters=letters, replicas=replicas)
    yield "Flower", lambda: http_answers(f"{blueprint.http('flower')}/healthcheck")
