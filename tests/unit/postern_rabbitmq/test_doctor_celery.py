"""Unsafe Celery settings, tasks and queues, each named with its consequence."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu import Queue

from mail_contract.topology import MAILER_URGENT, TOPOLOGY
from postern_rabbitmq.doctor.celery import examine_app, load_app
from postern_rabbitmq.doctor.examination import contract_app
from postern_rabbitmq.doctor.finding import Code
from postern_rabbitmq.doctor.safety import RULES, is_safe, safe_value
from postern_rabbitmq.errors import NoSuchApp
from service_runtime.celery.app import SAFE_SETTINGS, build_app

MODULE = "from service_runtime.celery.app import build_app\n"


def built(*, monitored: bool = False) -> Celery:
    return build_app("mailer", broker_url="amqp://", consumes=[MAILER_URGENT], monitored=monitored)


def changed(setting: str, value: Any) -> Celery:
    app = built()
    name, _, key = setting.partition(".")
    app.conf.update({name: {**app.conf[name], key: value} if key else value})
    return app


def idle() -> None:
    """A task's body."""


def names() -> Iterator[str]:
    for name, value in SAFE_SETTINGS.items():
        if isinstance(value, dict):
            yield from (f"{name}.{key}" for key in value)
        else:
            yield name


def another(setting: str) -> Any:
    """A value nobody should choose."""
    value = safe_value(setting)
    if isinstance(value, bool):
        return not value
    return {
        "broker_connection_max_retries": 3,
        "worker_prefetch_multiplier": 0,
        "worker_consumer": "celery.worker.consumer:Consumer",
        "task_serializer": "pickle",
        "accept_content": ["json", "pickle"],
        "result_expires": 86_400,
    }.get(setting, None if isinstance(value, int | float) else value)


def test_every_safety_setting_has_its_consequence_and_nothing_else_has() -> None:
    assert sorted(RULES) == sorted(names())


@pytest.mark.parametrize("setting", RULES)
def test_the_safe_value_is_safe(setting: str) -> None:
    assert is_safe(SAFE_SETTINGS, setting)


@pytest.mark.parametrize("monitored", [False, True])
def test_an_app_of_the_contract_is_fine(monitored: bool) -> None:
    assert examine_app(built(monitored=monitored)) == []
    assert examine_app(contract_app(TOPOLOGY)) == []


ALLOWED_ON_OWN_EXCHANGES = {"worker_send_task_events", "worker_enable_remote_control"}


@pytest.mark.parametrize("setting", sorted(RULES.keys() - ALLOWED_ON_OWN_EXCHANGES))
def test_every_changed_setting_is_named_with_what_follows_and_what_it_should_be(setting: str) -> None:
    (finding,) = examine_app(changed(setting, another(setting)))
    assert finding.code is Code.UNSAFE_SETTING
    assert finding.object == f"mailer: {setting}"
    assert finding.sentence.endswith(RULES[setting].consequence)
    assert finding.fix.startswith(f"{setting} = {safe_value(setting)!r}")


@pytest.mark.parametrize(
    ("setting", "exchange_setting"),
    [("worker_send_task_events", "event_exchange"), ("worker_enable_remote_control", "control_exchange")],
)
def test_events_and_remote_control_belong_on_the_mailers_own_exchanges(
    setting: str, exchange_setting: str
) -> None:
    app = built(monitored=True)
    app.conf.update({exchange_setting: "celery"})
    (finding,) = examine_app(app)
    assert finding.object == f"mailer: {setting}"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("worker_soft_shutdown_timeout", 5),
        ("broker_heartbeat", 30),
        ("broker_transport_options.read_timeout", 2.5),
        ("accept_content", ("json",)),
    ],
)
def test_another_value_that_is_as_safe_is_fine(setting: str, value: Any) -> None:
    assert examine_app(changed(setting, value)) == []


def test_a_stock_app_has_nearly_everything_wrong() -> None:
    codes = {finding.code for finding in examine_app(Celery("stock", set_as_current=False))}
    assert codes == {
        Code.UNSAFE_SETTING,
        Code.DECLARES_QUEUE,
        Code.QUEUE_TYPE_MISSING,
        Code.UNKNOWN_QUEUE,
    }


def test_a_task_that_acknowledges_early_on_its_own_is_named() -> None:
    app = built()
    app.task(name="mailer.hasty", acks_late=False, shared=False)(idle)
    (finding,) = examine_app(app)
    assert finding.code is Code.UNSAFE_TASK
    assert finding.object == "mailer: mailer.hasty"
    assert finding.sentence.endswith(RULES["task_acks_late"].consequence)


def test_a_task_is_not_blamed_for_the_setting_of_its_app() -> None:
    app = changed("task_acks_on_failure", True)
    app.task(name="mailer.obedient", shared=False)(idle)
    assert [finding.code for finding in examine_app(app)] == [Code.UNSAFE_SETTING]


@pytest.mark.parametrize(
    ("queue", "code"),
    [
        (Queue(MAILER_URGENT, queue_arguments={"x-queue-type": "quorum"}), Code.DECLARES_QUEUE),
        (Queue(MAILER_URGENT, no_declare=True), Code.QUEUE_TYPE_MISSING),
        (
            Queue("mailer.urgnt", no_declare=True, queue_arguments={"x-queue-type": "quorum"}),
            Code.UNKNOWN_QUEUE,
        ),
    ],
)
def test_a_queue_that_is_not_given_as_it_must_be_is_named(queue: Queue, code: Code) -> None:
    app = built()
    app.conf.update(task_queues=[queue], task_default_queue=queue.name)
    assert [finding.code for finding in examine_app(app)] == [code]


def test_an_app_is_loaded_by_its_path_or_built_by_the_function_there(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_app.py").write_text(
        MODULE + "app = build_app('mine', broker_url='amqp://')\ndef make():\n    return app\nnothing = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert load_app("some_app:app").main == "mine"
    assert load_app("some_app:make").main == "mine"
    for path in ("some_app:nothing", "some_app:absent", "no_such_module:app", "some_app"):
        with pytest.raises(NoSuchApp, match=path):
            load_app(path)
