"""The two Celery tasks: doors, nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery, Task
from celery.exceptions import Reject

from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mailer_service.errors import GivenBack
from mailer_service.inbox.arrival import Arrival
from mailer_service.inbox.cancellations import CancellationInbox
from mailer_service.inbox.letters import LetterInbox
from mailer_service.liveness.hands import Hands
from mailer_service.metrics import Metrics


def register(
    app: Celery, *, letters: LetterInbox, cancellations: CancellationInbox, hands: Hands, metrics: Metrics
) -> None:
    """Makes the app's worker hand messages to the two inboxes."""
    for name, take in ((DELIVER_LETTER, letters.take), (CANCEL_LETTER, cancellations.take)):
        app.task(name=name, bind=True, typing=False, shared=False)(_door(take, hands, metrics))


def _door(take: Callable[[Arrival], str], hands: Hands, metrics: Metrics) -> Callable[..., str]:
    def handle(task: Task[..., str], /, *args: Any, **kwargs: Any) -> str:
        arrival = Arrival(task=task.name, id=task.request.id or "", args=args, kwargs=kwargs)
        result = "broken"
        metrics.taken()
        try:
            with hands.holding():
                result = take(arrival)
        except GivenBack as error:
            result = "given_back"
            raise Reject(str(error), requeue=True) from None
        finally:
            metrics.settled(result)
        return result

    return handle
