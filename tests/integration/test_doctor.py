"""The topology doctor on a real broker: each illness is caused, named and told its cure."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from mail_contract.topology import MAILER_URGENT, TOPOLOGY
from postern_rabbitmq.doctor.drift import APPLY
from postern_rabbitmq.doctor.examination import diagnose
from postern_rabbitmq.doctor.finding import Code, Diagnosis, Finding, Severity
from postern_rabbitmq.doctor.queues import CONSUMED
from support import nursery
from support.broker import VirtualHost
from support.eventually import eventually
from support.infra import Infra
from support.stack import Stack

COMMAND = Path(sys.executable).with_name("postern-topology")
NATIVE = Path(sys.executable).with_name("postern-local")
ON_THE_NODE = Path("/usr/lib/rabbitmq/bin")
WORK = dict(TOPOLOGY.policies[0].definition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """A consumer of every queue that needs one, all on one channel; they do nothing with what they are given.

    One more takes urgent letters only, on a channel of its own.
    """

    channel: Any
    given: list[Any] = field(default_factory=list)

    def take_up(self) -> None:
        self.channel.basic_qos(0, 1, False)
        for queue in CONSUMED:
            self.channel.basic_consume(queue, callback=self.given.append)

    def next(self) -> Any:
        """The oldest message they were given."""
        while not self.given:
            self.channel.connection.drain_events(timeout=10)
        return self.given.pop(0)


@pytest.fixture
def workers(broker: VirtualHost) -> Iterator[Workers]:
    with Connection(broker.url("admin")) as connection, Connection(broker.url("admin")) as of_another:
        everyone = Workers(channel=connection.default_channel)
        everyone.take_up()
        # A worker is a connection, whatever channels it has.
        alone: Any = of_another.default_channel
        alone.basic_qos(0, 1, False)
        alone.basic_consume(MAILER_URGENT, callback=lambda _: None)
        yield everyone


def examined(broker: VirtualHost, wait: Callable[[float], None] = lambda _seconds: None) -> Diagnosis:
    return diagnose(broker.admin, vhost=broker.vhost, user_prefix=broker.user_prefix, wait=wait)


def found(broker: VirtualHost, code: Code, about: str) -> Finding:
    """The one finding of that kind about that object; the broker's figures may be half a second late."""

    def finding() -> Finding:
        every = examined(broker).findings
        matching = [one for one in every if (one.code, one.object) == (code, about)]
        assert matching, f"no {code} of {about} in {every}"
        return matching[0]

    return eventually(finding, within=20, every=0.2)


def publish(broker: VirtualHost, exchange: str, key: str, times: int = 1) -> None:
    with Connection(broker.url("admin"), transport_options={"confirm_publish": True}) as connection:
        channel: Any = connection.default_channel
        for _ in range(times):
            channel.basic_publish(channel.prepare_message(b"{}"), exchange=exchange, routing_key=key)


def declare(broker: VirtualHost, queue: str, **arguments: Any) -> None:
    broker.admin.put(
        "queues",
        broker.vhost,
        queue,
        body={"durable": True, "arguments": {"x-queue-type": "quorum"} | arguments},
    )


def put_policy(
    broker: VirtualHost, name: str, pattern: str, definition: Mapping[str, Any], **others: Any
) -> None:
    body = {"pattern": pattern, "definition": dict(definition), "apply-to": "all", **others}
    broker.admin.put("policies", broker.vhost, name, body=body)


def on_the_node(infra: Infra, command: str, *arguments: str) -> None:
    """Run one of RabbitMQ's own commands on the tests' node."""
    environment = {"PATH": os.environ["PATH"], **infra.broker.program.environment}
    subprocess.run(
        [ON_THE_NODE / command, *arguments], env=environment, check=True, capture_output=True, timeout=60
    )


@contextmanager
def user(broker: VirtualHost, name: str, *, tags: str = "", vhost: str = "") -> Iterator[None]:
    broker.admin.put("users", name, body={"password": "not-a-secret", "tags": tags})
    if vhost:
        broker.admin.put("permissions", vhost, name, body={"configure": "", "write": "", "read": ".*"})
    try:
        yield
    finally:
        broker.admin.delete("users", name)


@pytest.mark.usefixtures("workers")
def test_a_healthy_broker_with_its_workers_has_nothing(broker: VirtualHost) -> None:
    eventually(lambda: {finding.code for finding in examined(broker).findings} <= {Code.VERSION}, within=20)


@pytest.mark.usefixtures("workers")
def test_a_look_at_a_vhost_changes_nothing_in_it(broker: VirtualHost) -> None:
    publish(broker, "mail.dead", "mail.bulk", times=2)
    examined(broker)
    assert broker.depth("mailer.dead") == 2


def test_queues_without_consumers_are_named_but_not_those_that_rest(broker: VirtualHost) -> None:
    idle = [one for one in examined(broker).findings if one.code is Code.NO_CONSUMER]
    assert {one.object for one in idle} == set(CONSUMED)
    assert all("worker" in one.fix for one in idle)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("queues", "mailer.bulk"), ("exchanges", "mail.wait"), ("policies", "auth-reports")],
)
def test_what_is_missing_is_named_and_applying_cures_it(broker: VirtualHost, kind: str, name: str) -> None:
    broker.admin.delete(kind, broker.vhost, name)
    assert found(broker, Code.MISSING, name).fix == APPLY
    broker.apply()
    assert Code.MISSING not in {one.code for one in examined(broker).findings}


def test_what_nobody_asked_for_is_named(broker: VirtualHost) -> None:
    declare(broker, "stray")
    assert found(broker, Code.FOREIGN, "stray").fix.endswith(
        f"rabbitmqctl delete_queue -p {broker.vhost} stray"
    )


def test_a_binding_that_copies_letters_is_an_error(broker: VirtualHost) -> None:
    broker.admin.post(
        "bindings", broker.vhost, "e", "mail", "q", "auth.reports", body={"routing_key": "#", "arguments": {}}
    )
    assert found(broker, Code.FOREIGN, "mail --#--> auth.reports").severity is Severity.ERROR


def test_a_changed_policy_is_named(broker: VirtualHost) -> None:
    put_policy(broker, "mailer-work", "^mailer.urgent$", WORK)
    assert found(broker, Code.CHANGED, "mailer-work").fix == APPLY


def test_an_exchange_of_another_type_has_to_be_made_anew(broker: VirtualHost) -> None:
    broker.admin.delete("exchanges", broker.vhost, "mail.wait")
    broker.admin.put("exchanges", broker.vhost, "mail.wait", body={"type": "direct", "durable": True})
    assert "delete mail.wait in the console" in found(broker, Code.CHANGED, "mail.wait").fix


def test_a_classic_queue_is_named_once(broker: VirtualHost) -> None:
    broker.admin.delete("queues", broker.vhost, "mailer.urgent")
    declare(broker, "mailer.urgent", **{"x-queue-type": "classic"})
    assert "--if-empty mailer.urgent" in found(broker, Code.WRONG_QUEUE_TYPE, "mailer.urgent").fix
    assert Code.CHANGED not in {one.code for one in examined(broker).findings}


def test_an_argument_that_no_policy_can_change_is_named(broker: VirtualHost) -> None:
    broker.admin.delete("queues", broker.vhost, "mailer.urgent")
    declare(broker, "mailer.urgent", **{"x-max-length": 5})
    assert "x-max-length" in found(broker, Code.OVERRIDING_ARGUMENT, "mailer.urgent").sentence


def test_a_queue_without_its_policy_has_no_dead_letter_exchange(broker: VirtualHost) -> None:
    broker.admin.delete("policies", broker.vhost, "mailer-work")
    for queue in ("mailer.urgent", "mailer.cancellations"):
        assert found(broker, Code.NO_DEAD_LETTERS, queue).fix == APPLY
        assert "delivery-limit is not set" in found(broker, Code.POLICY_NOT_IN_EFFECT, queue).sentence


def test_a_policy_in_the_place_of_ours_is_named_though_ours_is_there(broker: VirtualHost) -> None:
    put_policy(broker, "grabber", "^mailer", {"max-length": 9}, priority=7)
    assert f"clear_policy -p {broker.vhost} grabber" in found(broker, Code.NO_DEAD_LETTERS, "mailer.bulk").fix
    assert found(broker, Code.FOREIGN, "grabber")


def test_an_operator_policy_that_tightens_a_limit_is_named(broker: VirtualHost) -> None:
    broker.admin.put(
        "operator-policies",
        broker.vhost,
        "op",
        body={"pattern": "^mailer.urgent$", "definition": {"max-length": 5}, "apply-to": "queues"},
    )
    finding = found(broker, Code.OPERATOR_POLICY, "mailer.urgent")
    assert "max-length is 5, not 1000000" in finding.sentence
    assert finding.fix == f"rabbitmqctl clear_operator_policy -p {broker.vhost} op"


def test_a_missing_alternate_is_named(broker: VirtualHost) -> None:
    broker.admin.delete("exchanges", broker.vhost, "reports")
    broker.admin.put("exchanges", broker.vhost, "reports", body={"type": "direct", "durable": True})
    assert APPLY in found(broker, Code.NO_ALTERNATE, "reports").fix


def test_an_alternate_that_would_strand_letters_is_named(broker: VirtualHost) -> None:
    put_policy(broker, "net", "^mail$", {"alternate-exchange": "unroutable"})
    assert (
        found(broker, Code.UNWANTED_ALTERNATE, "mail").fix
        == f"rabbitmqctl clear_policy -p {broker.vhost} net"
    )


def test_dead_letters_are_a_warning_and_growing_ones_an_error(broker: VirtualHost) -> None:
    publish(broker, "mail.dead", "mail.bulk")
    assert found(broker, Code.DEAD_LETTERS, "mailer.dead").severity is Severity.WARNING

    def one_more(_seconds: float) -> None:
        publish(broker, "mail.dead", "mail.bulk")
        eventually(lambda: broker.report("mailer.dead").get("messages") == 2)

    (growing,) = [one for one in examined(broker, one_more).findings if one.object == "mailer.dead"]
    assert (growing.code, growing.severity) == (Code.DEAD_LETTERS_GROWING, Severity.ERROR)
    assert "mailer-service dead list" in growing.fix


def test_rejected_letters_make_the_dead_letters_grow(broker: VirtualHost, workers: Workers) -> None:
    publish(broker, "mail", "mail.bulk")

    def reject(_seconds: float) -> None:
        workers.channel.basic_reject(workers.next().delivery_tag, requeue=False)
        eventually(lambda: broker.report("mailer.dead").get("messages") == 1)

    assert Code.DEAD_LETTERS_GROWING in {one.code for one in examined(broker, reject).findings}


def test_dead_reports_are_named_too(broker: VirtualHost) -> None:
    publish(broker, "reports", "auth.reports.dead")
    assert "auth-service worker" in found(broker, Code.DEAD_LETTERS, "auth.reports.dead").fix


def test_messages_without_a_queue_are_an_error(broker: VirtualHost) -> None:
    publish(broker, "reports", "nobody")
    assert found(broker, Code.UNROUTABLE, "unroutable").severity is Severity.ERROR


@pytest.mark.usefixtures("workers")
def test_a_queue_whose_worker_acknowledges_nothing_is_stuck(broker: VirtualHost) -> None:
    publish(broker, "mail", "mail.standard", times=3)
    finding = found(broker, Code.STUCK, "mailer.standard")
    assert "2 messages ready" in finding.sentence
    assert "log" in finding.fix


def test_a_queue_whose_worker_acknowledges_is_not_stuck(broker: VirtualHost, workers: Workers) -> None:
    publish(broker, "mail", "mail.standard", times=5)
    found(broker, Code.STUCK, "mailer.standard")

    def work(_seconds: float) -> None:
        workers.channel.basic_ack(workers.next().delivery_tag)
        eventually(lambda: bool(broker.report("mailer.standard").get("message_stats", {}).get("ack")))

    assert Code.STUCK not in {one.code for one in examined(broker, work).findings}


def test_expired_letters_that_find_no_exchange_are_named(broker: VirtualHost) -> None:
    quick = {**WORK, "message-ttl": 50, "dead-letter-exchange": "mail"}
    put_policy(broker, "mailer-wait-10s", "^mailer.wait.10s$", quick)
    for queue in ("mailer.urgent", "mailer.standard", "mailer.bulk"):
        broker.admin.delete("queues", broker.vhost, queue)
    publish(broker, "mail.wait", "mail.bulk.10s")
    assert "topology" in found(broker, Code.DEAD_LETTERING_STUCK, "mailer.wait.10s").fix


def test_urgent_letters_whose_only_worker_takes_bulk_letters_too_are_named(broker: VirtualHost) -> None:
    with Connection(broker.url("admin")) as connection:
        channel: Any = connection.default_channel
        for queue in ("mailer.urgent", "mailer.bulk"):
            channel.basic_consume(queue, callback=lambda _message: None)
        assert found(broker, Code.URGENT_NOT_ALONE, "mailer.urgent").severity is Severity.WARNING


def test_a_consumer_that_acknowledges_nothing_by_design_is_named(broker: VirtualHost) -> None:
    with Connection(broker.url("admin")) as connection:
        channel: Any = connection.default_channel
        channel.basic_consume("mailer.urgent", no_ack=True, callback=lambda _message: None)
        found(broker, Code.CONSUMER_WITHOUT_ACK, "mailer.urgent")


def test_guest_and_strangers_and_a_second_administrator_are_named(broker: VirtualHost) -> None:
    spy, boss = f"{broker.user_prefix}spy", f"{broker.user_prefix}boss"
    with user(broker, "guest"):
        assert found(broker, Code.GUEST, "guest").fix == "rabbitmqctl delete_user guest"
    with user(broker, spy, vhost=broker.vhost):
        assert (
            found(broker, Code.STRANGER, spy).fix == f"rabbitmqctl clear_permissions -p {broker.vhost} {spy}"
        )
    with user(broker, boss, tags="administrator"):
        names = ", ".join(sorted((boss, broker.admin.user)))
        assert found(broker, Code.MANY_ADMINISTRATORS, names).severity is Severity.WARNING


def test_a_service_with_more_rights_than_its_own_is_named(broker: VirtualHost) -> None:
    auth = broker.user_prefix + "auth"
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    broker.admin.put("permissions", broker.vhost, auth, body=everything)
    broker.admin.put("permissions", "postern", auth, body=everything)
    broker.admin.put("users", auth, body={"password": broker.passwords["auth"], "tags": "monitoring"})
    assert found(broker, Code.RIGHTS, auth).fix == APPLY
    assert found(broker, Code.TAGS, auth).fix == APPLY
    assert found(broker, Code.OTHER_VHOST, auth).fix == f"rabbitmqctl clear_permissions -p postern {auth}"


def limit(infra: Infra, *, memory: float, disk: int) -> None:
    """Set both watermarks by one command: each starts an Erlang of its own."""
    on_the_node(
        infra,
        "rabbitmqctl",
        "eval",
        f"vm_memory_monitor:set_vm_memory_high_watermark({memory}), rabbit_disk_monitor:set_disk_free_limit({disk}).",
    )


@pytest.mark.slow
def test_a_memory_alarm_and_a_disk_alarm_are_named(broker: VirtualHost, infra: Infra) -> None:
    node = broker.admin.get("nodes")[0]["name"]
    try:
        limit(infra, memory=0.0, disk=900_000_000_000_000)
        assert "publishers are blocked" in found(broker, Code.MEMORY_ALARM, node).sentence
        assert "free space" in found(broker, Code.DISK_ALARM, node).fix
    finally:
        limit(infra, memory=0.6, disk=50_000_000)
    eventually(lambda: not broker.admin.get("nodes")[0]["disk_free_alarm"])


@pytest.mark.slow
def test_a_missing_plugin_is_named(broker: VirtualHost, infra: Infra) -> None:
    node = broker.admin.get("nodes")[0]["name"]
    try:
        on_the_node(infra, "rabbitmq-plugins", "disable", "rabbitmq_prometheus")
        finding = found(broker, Code.PLUGIN_MISSING, node)
    finally:
        on_the_node(infra, "rabbitmq-plugins", "enable", "rabbitmq_prometheus")
    assert finding.fix == "rabbitmq-plugins enable rabbitmq_prometheus"


def test_a_vhost_that_is_not_there_is_a_finding(broker: VirtualHost) -> None:
    absent = replace(broker, vhost="absent")
    (finding,) = examined(absent).findings
    assert (finding.code, finding.fix) == (Code.MISSING, APPLY)


def overrides(**environment: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTERN_")}
    return {**kept, **environment}


def run(command: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return nursery.run([command, "doctor", *arguments], environment=overrides(**environment))


def run_from_nothing(command: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, "doctor", *arguments],
        env=overrides(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_says_errors_by_its_exit_code_and_in_json(broker: VirtualHost) -> None:
    where = {"POSTERN_BROKER_ADMIN_URL": broker.admin_url, "POSTERN_VHOST": broker.vhost}
    done = run(COMMAND, "--json", "--interval", "0.1", **where)
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["vhost"], answer["errors"] > 0) == (broker.vhost, True)
    assert "queues.no_consumer" in {finding["code"] for finding in answer["findings"]}
    in_words = run(COMMAND, "--interval", "0.1", **where)
    assert in_words.returncode == 1
    assert "nobody consumes mailer.urgent" in in_words.stdout


def test_the_command_examines_another_celery_app(broker: VirtualHost, tmp_path: Path) -> None:
    (tmp_path / "stock.py").write_text("from celery import Celery\napp = Celery('stock')\n")
    done = run_from_nothing(
        COMMAND,
        *("--json", "--interval", "0.1", "--app", "stock:app"),
        POSTERN_BROKER_ADMIN_URL=broker.admin_url,
        POSTERN_VHOST=broker.vhost,
        PYTHONPATH=str(tmp_path),
    )
    objects = {finding["object"] for finding in json.loads(done.stdout)["findings"]}
    assert "stock: task_acks_late" in objects


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ((), "http://admin:hidden@127.0.0.1:1"),
        ((), "no address"),
        (("--app", "no_such_module:app"), "http://admin:hidden@127.0.0.1:1"),
    ],
)
def test_where_there_is_nothing_to_ask_the_exit_code_is_2(arguments: tuple[str, ...], url: str) -> None:
    done = run(COMMAND, *arguments, POSTERN_BROKER_ADMIN_URL=url)
    assert done.returncode == 2
    assert done.stderr.startswith(("No diagnosis.", "The configuration is incomplete or wrong."))
    assert "hidden" not in done.stderr
    assert "Traceback" not in done.stderr


def test_without_any_stack_the_local_command_says_how_to_get_one(tmp_path: Path) -> None:
    done = run(NATIVE, POSTERN_STATE=str(tmp_path))
    assert done.returncode == 2
    assert "make run" in done.stderr
    assert "POSTERN_BROKER_ADMIN_URL" in done.stderr


@pytest.mark.timeout(300)
def test_the_native_stack_is_found_and_healthy(stack: Stack) -> None:
    def healthy() -> None:
        done = run_from_nothing(NATIVE, POSTERN_STATE=str(stack.state.root))
        assert done.returncode == 0, done.stdout + done.stderr
        assert Code.URGENT_NOT_ALONE not in done.stdout

    eventually(healthy, within=30)
