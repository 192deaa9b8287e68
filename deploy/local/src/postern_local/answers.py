"""How each part of the stack shows that it does its work, not only that it runs."""

from collections.abc import Callable, Iterator

from postern_local.configuration import StackConfiguration
from postern_local.consumers import consumed, letter_queues
from postern_local.readiness import http_answers


def service_answers(
    configuration: StackConfiguration, *, replicas: int
) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Pairs of a part's name and the question whether it works."""
    yield "the inbox", lambda: http_answers(f"{configuration.http('inbox')}/healthz")
    yield "the API", lambda: http_answers(f"{configuration.http('ops')}/readyz")
    yield "the relay", lambda: http_answers(f"{configuration.http('relay')}/readyz")
    yield "beat", lambda: http_answers(f"{configuration.http('beat')}/readyz")
    letters = letter_queues(configuration.overrides)
    broker = configuration.broker.amqp_url
    yield "every worker", lambda: consumed(broker, letters=letters, replicas=replicas)
    yield "Flower", lambda: http_answers(f"{configuration.http('flower')}/healthcheck")
