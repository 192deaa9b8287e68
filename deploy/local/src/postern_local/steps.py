"""The set-up before the services start: keys, databases, topology; side by side where nothing depends."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from mail_contract.topology import VHOST
from postern_local.configuration import ROLES, StackConfiguration
from postern_local.console import say
from postern_local.database import apply_roles
from postern_local.errors import StepFailed
from postern_local.program import inherited
from postern_local.readiness import broker_answers, database_answers
from postern_local.services import COMMANDS, migrations
from postern_local.start_waiter import Patience
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.apply import apply_topology
from postern_rabbitmq.errors import TopologyError


def prepare_files(configuration: StackConfiguration) -> None:
    """Bring the files of both servers into place; makes the database cluster on a first run."""
    configuration.broker.prepare()
    if not configuration.state.database.exists():
        say("making the database cluster")
    configuration.cluster.prepare()
    shutil.rmtree(configuration.state.metrics, ignore_errors=True)
    configuration.state.metrics.mkdir(mode=0o700)


def set_up(
    configuration: StackConfiguration, patience: Patience, *, once_migrated: Callable[[], None]
) -> None:
    """Wait for both servers and bring them to what the services expect; returns when all is done.

    Args:
        configuration: of the stack.
        patience: watches the servers meanwhile.
        once_migrated: called when keys and databases are ready, long before the broker is.

    Raises:
        StepFailed: one of the steps failed; its output is in the error.
        NotReady: a server did not answer in time.
        Interrupted: the stack is to stop.
    """
    with ThreadPoolExecutor(thread_name_prefix="set-up") as pool:
        broker = pool.submit(_set_up_broker, configuration, patience)
        ready: list[Future[None]] = [
            pool.submit(_make_keys, configuration),
            pool.submit(_set_up_databases, configuration, patience, pool),
        ]
        for step in ready:
            step.result()
        say("starting the services that need no broker")
        once_migrated()
        broker.result()


def _make_keys(configuration: StackConfiguration) -> None:
    keys = configuration.state.keys
    wanted = {
        "auth": ("signing.private.json", "signing.public.json", "hash.key", "tokens.private.json"),
        "mailer": ("sealing.private.json", "sealing.public.json", "mailer-hash.key"),
    }
    for service, names in wanted.items():
        if not all((keys / name).exists() for name in names):
            say(f"making the keys of the {service}-service")
            _run(service, "keys", "--directory", str(keys))


def _set_up_databases(
    configuration: StackConfiguration, patience: Patience, pool: ThreadPoolExecutor
) -> None:
    cluster = configuration.cluster
    patience.until("PostgreSQL", lambda: database_answers(cluster.url()), seconds=60)
    apply_roles(cluster, script=ROLES, passwords=configuration.database_passwords)
    say("PostgreSQL answers; migrating the databases")
    both = [
        pool.submit(_run, service, "migrate", settings=settings)
        for service, settings in migrations(configuration).items()
    ]
    for migration in both:
        migration.result()


def _set_up_broker(configuration: StackConfiguration, patience: Patience) -> None:
    management = configuration.broker.management_url
    patience.until("RabbitMQ", lambda: broker_answers(management), seconds=120)
    say("RabbitMQ answers; applying the topology")
    try:
        with BrokerAdmin(management) as admin:
            apply_topology(admin, vhost=VHOST, passwords=configuration.broker_passwords)
    except TopologyError as error:
        raise StepFailed(f"topology: {error}") from error


def _run(service: str, *arguments: str, settings: Mapping[str, str] | None = None) -> None:
    command = [str(COMMANDS / f"{service}-service"), *arguments]
    done = subprocess.run(
        command,
        env={**inherited(), **(settings or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C is for the runner, which stops all in order
        timeout=120,
    )
    if done.returncode != 0:
        raise StepFailed(f"{service}-service {arguments[0]}\n{done.stdout}{done.stderr}".rstrip())
