"""What a process's small HTTP port answers."""

import json
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from postern_local.ports import any_ports
from service_runtime.endpoint import Probes, served
from service_runtime.errors import AddressTaken
from service_runtime.process_metrics import process_registry


def probes(*, complaint: str | None = None, lacking: dict[str, str] | None = None) -> Probes:
    return Probes(
        exposition=lambda: b"a_metric 1.0\n", complaint=lambda: complaint, not_ready=lambda: lacking or {}
    )


def test_a_process_that_works_is_alive_and_ready() -> None:
    for path in ("/healthz", "/readyz"):
        assert probes().answer(path)[0] is HTTPStatus.OK
    assert probes().answer("/metrics")[2] == b"a_metric 1.0\n"
    assert probes().answer("/elsewhere")[0] is HTTPStatus.NOT_FOUND


def test_one_that_lacks_a_server_is_alive_but_not_ready() -> None:
    waiting = probes(lacking={"broker": "not connected"})
    alive, _, said = waiting.answer("/healthz")
    assert (alive, json.loads(said)["not_ready"]) == (HTTPStatus.OK, {"broker": "not connected"})
    assert waiting.answer("/readyz")[0] is HTTPStatus.SERVICE_UNAVAILABLE


def test_one_that_is_stuck_says_why() -> None:
    status, _, said = probes(complaint="a thread is busy").answer("/healthz")
    assert status is HTTPStatus.SERVICE_UNAVAILABLE
    assert json.loads(said)["because"] == "a thread is busy"


def test_it_answers_while_the_process_works_and_its_port_is_nobody_elses() -> None:
    listen = f"127.0.0.1:{any_ports({})['api']}"
    with served(listen, variable="A_LISTEN", probes=probes(lacking={"broker": "not connected"})):
        assert urlopen(f"http://{listen}/metrics").read() == b"a_metric 1.0\n"
        with pytest.raises(HTTPError) as unready:
            urlopen(f"http://{listen}/readyz")
        assert unready.value.status == HTTPStatus.SERVICE_UNAVAILABLE
        unready.value.close()
        with (
            pytest.raises(AddressTaken, match="A_LISTEN"),
            served(listen, variable="A_LISTEN", probes=probes()),
        ):
            raise AssertionError
    with served(None, variable="A_LISTEN", probes=probes()):
        pass


def test_every_process_tells_its_version_and_what_the_machine_gives_it() -> None:
    told = {family.name for family in process_registry(service="x", distribution="postern-shared").collect()}
    assert {
        "postern_build_info",
        "process_cpu_seconds",
        "process_resident_memory_bytes",
        "process_open_fds",
    } <= told
