"""The API as a process: one master, children that serve, an orderly end."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import psycopg2
from prometheus_client.parser import text_string_to_metric_families

from postern_local.readiness import http_answers
from support.certificates import NOBODY
from support.database import Database
from support.eventually import eventually

from .conftest import RunningApi


def test_the_commands_own_process_is_the_master_of_its_children(api: RunningApi) -> None:
    assert len(api.children()) == 2
    assert http_answers(f"{api.ops}/readyz")
    assert all(event["service"] == "auth-api" for event in api.process.events())


def test_operators_and_everybody_are_answered_on_a_listener_each(api: RunningApi) -> None:
    assert {http_answers(f"{base}/healthz") for base in (api.url, api.ops)} == {True}
    for path in ("/readyz", "/metrics"):
        assert httpx.get(f"{api.url}{path}", verify=NOBODY).status_code == 404
        assert httpx.get(f"{api.ops}{path}", verify=NOBODY).status_code == 200
    assert httpx.get(f"{api.ops}/signup", verify=NOBODY).status_code == 404


def test_a_child_that_dies_is_replaced(api: RunningApi) -> None:
    children = api.children()
    os.kill(min(children), 9)

    eventually(lambda: len(api.children() - {min(children)}) == 2)
    eventually(lambda: http_answers(f"{api.url}/healthz"))


def test_whichever_child_is_asked_the_metrics_are_of_all(api: RunningApi) -> None:
    for _ in range(20):  # each on a connection of its own, so that both children get some
        httpx.get(f"{api.url}/v1/receipts/unknown", verify=NOBODY)
    counted = 'auth_http_requests_total{method="GET",route="/v1/receipts/<receipt>",status="404"} 20.0'

    answers = [httpx.get(f"{api.ops}/metrics", verify=NOBODY).text for _ in range(10)]
    assert all(counted in answer for answer in answers)
    # Memory is added up, so that it does not jump with the child that answers.
    own = psutil.Process(min(api.children())).memory_info().rss
    assert all(figure(answer, "process_resident_memory_bytes") > 1.5 * own for answer in answers)
    assert all(figure(answer, "auth_letters") == 0 for answer in answers)
    assert api.process.is_running


def test_asked_to_stop_it_ends_with_its_children(api: RunningApi) -> None:
    children = api.children()

    assert api.process.stop() == 0

    assert not any(map(_runs, children))
    assert not http_answers(f"{api.url}/healthz")


def test_asked_to_stop_it_first_answers_the_requests_in_progress(
    api: RunningApi, auth_database: Database
) -> None:
    with psycopg2.connect(auth_database.admin_url) as holder, ThreadPoolExecutor(1) as pool:
        with holder.cursor() as cursor:
            cursor.execute("LOCK letters IN ACCESS EXCLUSIVE MODE")
            answer = pool.submit(httpx.get, f"{api.url}/v1/receipts/unknown", timeout=20)
            eventually(_waits(auth_database), within=10)
            os.kill(api.process.pid, 15)
            eventually(lambda: not http_answers(f"{api.url}/healthz"), within=10)
        holder.rollback()

        assert answer.result().status_code == 404
    eventually(lambda: not api.process.is_running)


def figure(exposition: str, name: str) -> float:
    """The samples of a metric, added up."""
    families = text_string_to_metric_families(exposition)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def _waits(database: Database) -> Callable[[], bool]:
    def anybody() -> bool:
        with psycopg2.connect(database.admin_url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            return bool((cursor.fetchone() or (0,))[0])

    return anybody


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
