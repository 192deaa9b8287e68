"""How each part of the stack shows that it does its work, not only that it runs."""

from collections.abc import Callable, Iterator

from postern_local.configuration import StackConfiguration
from postern_local.consumers import consumed, letter_queues
from postern_local.readiness import database_shows, http_answers
from postern_local.supervision import Supervisor

RELAY_LISTENS = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'auth' AND query ILIKE 'LISTEN %')
"""


def service_answers(
    configuration: StackConfiguration, supervisor: Supervisor, *, replicas: int
) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Pairs of a part's name and the question whether it works."""
    yield "the inbox", lambda: http_answers(f"{configuration.http('inbox')}/healthz")
    yield "the API", lambda: http_answers(f"{configuration.http('ops')}/readyz")
    yield "the relay", lambda: database_shows(configuration.cluster.url(), RELAY_LISTENS)
    yield "beat", lambda: supervisor.is_running("beat")
    letters = letter_queues(configuration.overrides)
    broker = configuration.broker.amqp_url
    yield "every worker", lambda: consumed(broker, letters=letters, replicas=replicas)
    yield "Flower", lambda: http_answers(f"{configuration.http('flower')}/healthcheck")
