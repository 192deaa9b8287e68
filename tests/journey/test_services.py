"""The services as tests start them: none outlives its test, and one that ends says why."""

import psutil
import pytest

from support.services import Ended, Services


def test_a_service_that_ends_by_itself_is_named_with_its_last_words(services: Services) -> None:
    services.start("relay", env={"AUTH_RELAY_WINDOW": "none"})
    with pytest.raises(Ended, match=r"relay-1:(?s:.*)AUTH_RELAY_WINDOW"):
        services.wait_until_ready()


def test_the_children_of_a_killed_service_end_with_it(services: Services) -> None:
    services.start("api")
    services.wait_until_ready()
    (master,) = services.pids("api")
    children = psutil.Process(master).children()
    assert children

    services.kill("api")

    assert services.pids("api") == []
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_service_that_was_stopped_can_be_started_again(services: Services) -> None:
    services.start("inbox")
    services.wait_until_ready()
    services.stop("inbox")
    assert services.pids("inbox") == []

    services.start("inbox")
    services.wait_until_ready()
    assert services.log("inbox").count("inbox_ready") == 2
