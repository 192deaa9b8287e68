"""① For operators and their programs: alive, ready, metrics."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from auth_service.db import MIGRATIONS_PACKAGE
from auth_service.db.transactions import Transactions
from auth_service.errors import DatabaseUnavailable
from auth_service.http.metrics import DatabaseCollector, Metrics, exposition
from auth_service.http.problems import Problem, Refusal
from auth_service.http.route import Answer, Route, json_answer
from auth_service.http.schemas import HealthAnswer, ReadinessAnswer
from auth_service.outbox.release import measure_backlog
from service_runtime.database.revision import is_migrated

_NO_DATABASE = Problem(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    code="database_not_ready",
    title="Not ready: the database does not answer.",
    detail="Look at the database; this process goes on by itself once it answers.",
    headers={"Retry-After": "2"},
)
_NOT_MIGRATED = Problem(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    code="migrations_not_ready",
    title="Not ready: the database is not migrated.",
    detail="Run `auth-service migrate`.",
    headers={"Retry-After": "5"},
)


_ALIVE = Route(
    method="GET",
    path="/healthz",
    view=lambda: json_answer(HealthAnswer()),
    name="alive",
    group="Operation",
    summary="Is the process alive?",
    answer=Answer(status=HTTPStatus.OK, description="Yes.", schema=HealthAnswer),
)


class Health:
    """Whether the process lives; on the listener for everybody, too."""

    def routes(self) -> tuple[Route, ...]:
        """Returns its call."""
        return (_ALIVE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What only operators are to see, on a listener of its own (`AUTH_OPS_LISTEN`)."""

    transactions: Transactions
    metrics: Metrics
    database: DatabaseCollector

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            _ALIVE,
            Route(
                method="GET",
                path="/readyz",
                view=self.ready,
                name="ready",
                group="Operation",
                summary="Can the process do its work?",
                description="The database answers and is migrated. The broker is not asked: requests need none.",
                answer=Answer(status=HTTPStatus.OK, description="Yes.", schema=ReadinessAnswer),
                problems=(_NO_DATABASE, _NOT_MIGRATED),
            ),
            Route(
                method="GET",
                path="/metrics",
                view=self.measure,
                name="metrics",
                group="Operation",
                summary="Metrics for Prometheus",
                answer=Answer(status=HTTPStatus.OK, description="Text format.", media_type="text/plain"),
            ),
        )

    def ready(self) -> Response:
        """Says which part is not, if any."""
        try:
            with self.transactions.begin() as session:
                if not is_migrated(session.connection(), MIGRATIONS_PACKAGE):
                    raise Refusal(_NOT_MIGRATED)
                backlog = measure_backlog(session)
        except DatabaseUnavailable:
            raise Refusal(_NO_DATABASE) from None
        return json_answer(
            ReadinessAnswer(outbox_rows=backlog.rows, outbox_oldest_seconds=round(backlog.oldest_seconds, 3))
        )

    def measure(self) -> Response:
        """Returns the metrics."""
        return Response(exposition(self.metrics, self.database), content_type=CONTENT_TYPE_LATEST)
