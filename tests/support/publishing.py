"""Publishing one message, as a test does it now and then."""

from functools import partial

from celery import Celery

from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.confirms import PublishOutcome
from service_runtime.publishing.message import OutgoingMessage
from service_runtime.publishing.publisher import Publisher


def outcome_of(app: Celery, message: OutgoingMessage) -> PublishOutcome:
    """Publish a message on a connection of its own and tell what became of it."""
    publisher = Publisher(partial(ConfirmingChannel, app))
    try:
        (outcome,) = publisher.publish([message])
    finally:
        publisher.close()
    return outcome


def publish(app: Celery, message: OutgoingMessage) -> None:
    outcome = outcome_of(app, message)
    assert outcome.confirmed, outcome
