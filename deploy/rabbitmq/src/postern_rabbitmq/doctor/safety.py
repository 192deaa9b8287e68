"""What each safety setting of the Celery apps is for, and which other values are as safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mail_contract.topology import MAILER_CONTROL, MAILER_EVENTS
from service_runtime.celery.app import SAFE_SETTINGS

Conf = Mapping[str, Any]
"""Celery's configuration of an app."""
Test = Callable[[Any, Conf], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One setting.

    Attributes:
        consequence: of another value, as the end of a sentence.
        holds: whether a value is safe; None where only the one of SAFE_SETTINGS is.
    """

    consequence: str
    holds: Test | None = None


def _between(least: float, most: float) -> Test:
    """A number of seconds, or of tries, within bounds: nothing waits for ever."""

    def holds(value: Any, _conf: Conf) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and least <= value <= most

    return holds


def _json_only(value: Any, _conf: Conf) -> bool:
    return set(value or ()) == {"json"}


def _own_consumer(value: Any, _conf: Conf) -> bool:
    wanted = str(SAFE_SETTINGS["worker_consumer"])
    return value == wanted or f"{getattr(value, '__module__', '')}:{getattr(value, '__name__', '')}" == wanted


def _only_on_own_exchange(setting: str, exchange: str) -> Test:
    """May be on, if what it declares is what the topology gives rights for."""
    return lambda value, conf: not value or conf.get(setting) == exchange


_MINUTE = 60

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "broker_transport_options.confirm_publish": Rule(
            consequence="a publish that vanishes looks like success"
        ),
        "broker_transport_options.read_timeout": Rule(
            holds=_between(0.1, _MINUTE),
            consequence="a publisher hangs for ever while the broker is frozen or blocks publishers",
        ),
        "broker_transport_options.write_timeout": Rule(
            holds=_between(0.1, _MINUTE),
            consequence="a publisher hangs for ever while the broker blocks publishers",
        ),
        "broker_transport_options.max_retries": Rule(
            holds=_between(0, 10), consequence="a publish tries to connect for minutes instead of failing"
        ),
        "broker_transport_options.interval_start": Rule(
            holds=_between(0, 5), consequence="a publish waits too long before it tries to connect again"
        ),
        "broker_transport_options.interval_step": Rule(
            holds=_between(0, 5), consequence="a publish waits longer and longer to connect again"
        ),
        "broker_transport_options.interval_max": Rule(
            holds=_between(0, 5), consequence="a publish waits longer and longer to connect again"
        ),
        "broker_heartbeat": Rule(
            holds=_between(1, _MINUTE),
            consequence="a dead connection is noticed only when TCP gives up, after minutes",
        ),
        "broker_connection_timeout": Rule(
            holds=_between(0.1, _MINUTE), consequence="connecting to a broker that does not answer hangs"
        ),
        "broker_pool_acquire_timeout": Rule(
            holds=_between(0.1, _MINUTE), consequence="a publish waits for ever for a free connection"
        ),
        "task_publish_retry": Rule(
            consequence="a failed publish is repeated unseen, which doubles every wait"
        ),
        "broker_connection_retry_on_startup": Rule(
            consequence="a worker that starts before the broker gives up"
        ),
        "broker_connection_max_retries": Rule(
            consequence="a worker gives up after a long absence of the broker and stays away"
        ),
        "broker_channel_error_retry": Rule(
            consequence="a worker ends at a channel error instead of connecting again"
        ),
        "worker_cancel_long_running_tasks_on_connection_loss": Rule(
            consequence="a letter on its way to the mail server is cut off when the broker goes"
        ),
        "task_acks_late": Rule(
            consequence="a letter leaves its queue before it is sent, and a crash of the worker loses it"
        ),
        "task_reject_on_worker_lost": Rule(
            consequence="a letter whose worker process dies counts as done and is lost"
        ),
        "task_acks_on_failure": Rule(
            consequence="a letter whose task fails is gone instead of a dead letter"
        ),
        "task_acks_on_timeout": Rule(
            consequence="a letter whose task takes too long is gone instead of a dead letter"
        ),
        "worker_prefetch_multiplier": Rule(
            consequence="a replica hoards letters that others could send (0: without limit)"
        ),
        "worker_soft_shutdown_timeout": Rule(
            holds=_between(1, 3600), consequence="letters in hand are cut off when a worker stops"
        ),
        "worker_consumer": Rule(
            holds=_own_consumer,
            consequence="a message that cannot be read is acknowledged away with its body in the log,"
            " and every connect tries to declare Celery's delayed delivery",
        ),
        "worker_disable_rate_limits": Rule(
            consequence="Celery holds letters in memory to keep a rate that every replica counts for itself"
        ),
        "task_ignore_result": Rule(consequence="results are published to queues that nobody made or reads"),
        "result_expires": Rule(
            consequence="beat asks every night for results to be cleaned up, on a queue nobody reads"
        ),
        "task_create_missing_queues": Rule(consequence="a misspelt queue name becomes a queue nobody reads"),
        "task_serializer": Rule(consequence="messages are sent that the other service refuses"),
        "accept_content": Rule(
            holds=_json_only,
            consequence="pickle or YAML from the queue may run code, other formats are not of the contract",
        ),
        "enable_utc": Rule(consequence="times in messages mean something else on another machine"),
        "worker_hijack_root_logger": Rule(
            consequence="Celery replaces the structured log, and with it what keeps addresses out of it"
        ),
        "worker_send_task_events": Rule(
            holds=_only_on_own_exchange("event_exchange", MAILER_EVENTS),
            consequence="events go to an exchange for which the service has no rights, and the worker cannot start",
        ),
        "worker_enable_remote_control": Rule(
            holds=_only_on_own_exchange("control_exchange", MAILER_CONTROL),
            consequence="whoever writes to Celery's common control exchange stops or purges this worker",
        ),
    }
)
"""Every setting of SAFE_SETTINGS, those inside another one after a dot."""


def safe_value(setting: str) -> Any:
    """Returns what SAFE_SETTINGS says for a name of RULES."""
    name, _, key = setting.partition(".")
    value: Any = SAFE_SETTINGS[name]
    return value[key] if key else value


def actual_value(conf: Conf, setting: str) -> Any:
    """Returns what an app has for a name of RULES; None where it has nothing."""
    name, _, key = setting.partition(".")
    value = conf.get(name)
    return (value or {}).get(key) if key else value


def is_safe(conf: Conf, setting: str) -> bool:
    """Whether an app's value keeps letters as safe as the one of SAFE_SETTINGS."""
    rule, value = RULES[setting], actual_value(conf, setting)
    return rule.holds(value, conf) if rule.holds else bool(value == safe_value(setting))
