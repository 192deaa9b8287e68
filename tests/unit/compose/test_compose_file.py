"""docker-compose.yml against the settings of the processes it starts, read as text: no YAML library is pinned here."""

import re
from pathlib import Path

import pytest

from auth_service import settings as auth
from auth_service.domain.campaign import parse_suspicion
from auth_service.domain.limit import parse_limit
from mail_contract.topology import MAILER_URGENT
from mailer_service import settings as mailer
from postern_rabbitmq.cli import ApplySettings
from service_runtime.command_line import ACTOR_VARIABLE
from service_runtime.settings import ServiceSettings, variable_of

ROOT = Path(__file__).parents[3]
FILE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")

PROCESSES: dict[str, type[ServiceSettings]] = {
    "auth-migrate": auth.MigrationSettings,
    "mailer-migrate": mailer.MigrationSettings,
    "topology": ApplySettings,
    "api": auth.ApiSettings,
    "relay": auth.RelaySettings,
    "auth-worker": auth.WorkerSettings,
    "beat": auth.BeatSettings,
    "mailer": mailer.WorkerSettings,
    "mailer-urgent": mailer.WorkerSettings,
    "flower": mailer.FlowerSettings,
    "operator": mailer.OperatorSettings,
}


def block_of(service: str) -> str:
    """What the service has: its own lines, and those it takes over from another service."""
    found = re.search(rf"^  {service}:(?: &\S+)?\n((?:    .*\n|\n)+)", FILE, flags=re.MULTILINE)
    assert found, service
    inherited = re.search(r"^    <<: \*(\S+)$", found[1], flags=re.MULTILINE)
    other = re.search(rf"^  (\S+): &{inherited[1]}$", FILE, flags=re.MULTILINE) if inherited else None
    return (block_of(other[1]) if other else "") + found[1]


def given_to(service: str) -> set[str]:
    return set(
        re.findall(r"^      ((?:AUTH|MAILER|POSTERN)_[A-Z_]+):", block_of(service), flags=re.MULTILINE)
    )


@pytest.mark.parametrize("service", PROCESSES)
def test_a_process_gets_every_setting_it_needs_and_none_it_does_not_know(service: str) -> None:
    fields = PROCESSES[service].model_fields
    known = {variable_of(PROCESSES[service], name): field for name, field in fields.items()}
    required = {variable for variable, field in known.items() if field.is_required()}
    given = {name if name in known else name.removesuffix("_FILE") for name in given_to(service)}
    assert given - {ACTOR_VARIABLE} <= set(known)
    assert required <= given


@pytest.mark.parametrize("service", PROCESSES)
def test_a_process_is_mounted_exactly_the_secrets_its_settings_name(service: str) -> None:
    block = block_of(service)
    listed = re.search(r"^    secrets: \[(.*)\]$", block, flags=re.MULTILINE)
    assert listed
    assert set(listed[1].split(", ")) == set(re.findall(r"/run/secrets/(\S+)", block))


def test_urgent_letters_have_a_worker_that_takes_nothing_else() -> None:
    assert re.findall(r"MAILER_QUEUES: (\S+)", FILE) == [MAILER_URGENT]
    assert f"MAILER_QUEUES: {MAILER_URGENT}" in block_of("mailer-urgent")


@pytest.mark.parametrize("service", ["mailer", "mailer-urgent"])
def test_a_mailer_is_healthy_while_it_says_so_itself(service: str) -> None:
    assert "test: [CMD, mailer-service, alive]" in block_of(service)
    assert "MAILER_LISTEN:" in block_of(service)


def test_the_broker_is_a_version_that_the_tests_ran_on_and_does_not_float() -> None:
    image = re.search(r"POSTERN_RABBITMQ_IMAGE:-rabbitmq:(\d+\.\d+\.\d+)-management}", FILE)
    assert image
    assert f"RabbitMQ {image[1]}" in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def test_every_published_port_is_on_loopback() -> None:
    published = re.findall(r"^      - (\S*\$\{POSTERN_\w+_PORT\S+)", FILE, flags=re.MULTILINE)
    assert len(published) == 6
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_mailer_is_given_longer_to_stop_than_it_gives_its_letters() -> None:
    block = block_of("mailer")
    stop = re.search(r'MAILER_STOP_SECONDS: "(\d+)"', block)
    grace = re.search(r"stop_grace_period: (\d+)s", block)
    assert stop
    assert grace
    assert int(grace[1]) > int(stop[1])


@pytest.mark.parametrize("service", ["api", "relay", "auth-worker", "beat"])
def test_every_setting_of_auth_can_be_given(service: str) -> None:
    fields = PROCESSES[service].model_fields
    optional = {
        variable_of(PROCESSES[service], name) for name, field in fields.items() if not field.is_required()
    }
    logging = {variable for variable in optional if variable.startswith("POSTERN_LOG_")}
    assert "<<: *common" in block_of(service)
    assert optional - logging <= given_to(service)


def test_the_page_about_compose_names_everything_that_can_be_given() -> None:
    can_be_given = set(re.findall(r"\$\{([A-Z_]+)", FILE)) | set(
        re.findall(r"^ +([A-Z_]+):$", FILE, flags=re.MULTILINE)
    )
    assert "AUTH_BREACH_LIST_URL" in can_be_given
    page = (ROOT / "docs" / "compose.md").read_text(encoding="utf-8")
    assert {name for name in can_be_given if f"`{name}`" not in page} == set()


def test_the_api_is_passed_every_limit_with_its_own_default() -> None:
    block = block_of("api")
    limits = [
        name for name in auth.ApiSettings.model_fields if name.startswith("limit_") or name == "campaign"
    ]
    for name in limits:
        given = re.search(rf"AUTH_{name.upper()}: \$\{{AUTH_{name.upper()}:-([^}}]+)}}", block)
        assert given, name
        parse = parse_suspicion if name == "campaign" else parse_limit
        assert parse(given[1]) == auth.ApiSettings.model_fields[name].default, name
