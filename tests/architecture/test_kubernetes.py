"""deploy/kubernetes/ against Kubernetes' schemas, the topology, the settings, the command lines and its page."""

import re
from collections.abc import Mapping

import pytest
import yaml
from jsonschema import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from architecture.custom_resources import SCHEMAS
from architecture.manifests import (
    BASE,
    EXAMPLE,
    PAGE,
    ROOT,
    Manifest,
    Workload,
    listed_secrets,
    manifests_of,
    settings_maps,
    workloads,
)
from architecture.test_house_rules import REPOSITORY, named
from architecture.test_links import COMMANDS, flaw_of
from auth_service import settings as auth
from mail_contract.topology import CLASS_QUEUES, MAILER_WORK, TOPOLOGY
from mailer_service import settings as mailer
from postern_rabbitmq.cli import ApplySettings
from service_runtime.settings import ServiceSettings, variable_of

PARTS = ["foundation", "broker", "jobs", "services"]
MANIFESTS = [manifest for part in PARTS for manifest in manifests_of(EXAMPLE / part)]
WORKLOADS = {workload.name: workload for workload in workloads()}
VERSIONS = ["1.30", "1.37"]
"""The oldest that knows all fields, and the newest."""

MAILERS = {f"mailer-{each}": queue for each, queue in CLASS_QUEUES.items()}
PROCESSES: Mapping[str, tuple[type[ServiceSettings], ...]] = {
    "auth-migrate": (auth.MigrationSettings,),
    "mailer-migrate": (mailer.MigrationSettings,),
    "topology": (ApplySettings,),
    "api": (auth.ApiSettings,),
    "relay": (auth.RelaySettings,),
    "auth-worker": (auth.WorkerSettings,),
    "beat": (auth.BeatSettings,),
    **dict.fromkeys(MAILERS, (mailer.WorkerSettings,)),
    "flower": (mailer.FlowerSettings,),
    "mailer-operator": (mailer.OperatorSettings, mailer.SuppressionSettings),
    "auth-operator": (auth.AccountsSettings, auth.AnnounceSettings, auth.HeldSettings),
}
"""What each reads. Those for people serve several commands."""

NOT_SETTINGS = {"ADMIN_USER", "ADMIN_PASSWORD"}
"""Parts of a setting, put together by Kubernetes."""


def of_kind(kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in MANIFESTS if each["kind"] == kind}


def identity(manifest: Manifest) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_what_kubernetes_takes(version: str) -> None:
    # As kubernetes_validate.validate does; but that reads a megabyte of definitions again for each manifest.
    folder = f"kubernetes-json-schema/v{version}.0-local-strict"
    registry = Resource.from_contents(schema_contents(f"{folder}/_definitions.json", version)) @ Registry()
    flaws = []
    for manifest in MANIFESTS:
        if manifest["kind"] not in SCHEMAS:
            group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", manifest["apiVersion"])
            schema = schema_contents(f"{folder}/{manifest['kind'].lower()}-{group}.json", version)
            validator = Draft202012Validator(schema, registry=Resource.from_contents(schema) @ registry)
            flaws += [f"{identity(manifest)}: {error.message}" for error in validator.iter_errors(manifest)]
    assert flaws == []


@pytest.mark.parametrize("manifest", [m for m in MANIFESTS if m["kind"] in SCHEMAS], ids=identity)
def test_every_resource_of_an_operator_has_only_fields_that_it_knows(manifest: Manifest) -> None:
    assert [
        error.message for error in Draft202012Validator(SCHEMAS[manifest["kind"]]).iter_errors(manifest)
    ] == []


def test_every_file_belongs_to_a_kustomization() -> None:
    used = {ROOT / "base" / part for part in ("flower", "operator")}
    for folder in ROOT.rglob("kustomization.yaml"):
        parsed = yaml.safe_load(folder.read_text(encoding="utf-8"))
        names = [*parsed.get("resources", []), *parsed.get("components", [])]
        names += [file for entry in parsed.get("configMapGenerator", []) for file in entry["envs"]]
        used |= {(folder.parent / name).resolve() for name in names}
        used.add(folder)
    assert [named(path) for path in ROOT.rglob("*") if path.is_file() and path not in used] == []


def test_every_patch_has_something_to_patch() -> None:
    there = {(each["kind"], each["metadata"]["name"]) for each in MANIFESTS}
    for part in PARTS:
        parsed = yaml.safe_load((EXAMPLE / part / "kustomization.yaml").read_text(encoding="utf-8"))
        for patch in parsed.get("patches", []):
            assert (patch["target"]["kind"], patch["target"]["name"]) in there


IN_ITS_PLACE: Mapping[str, set[str]] = {
    "mailer": {"mailer-standard", "mailer-bulk"},
    "operator": {"mailer-operator"},
    "rabbitmq": set(),
    "postgres": set(),
    "roles": set(),
    "inbox": set(),
    "prometheus": set(),
    "grafana": set(),
}
"""Of docker-compose.yml: what has another name here, or is no workload of ours, as the page says."""


def test_every_kind_of_process_of_compose_has_its_workload() -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    for service in compose["services"]:
        assert IN_ITS_PLACE.get(service, {service}) <= set(WORKLOADS), service
        if service in IN_ITS_PLACE:
            assert re.search(rf"^\| (?:`\w+`, )?`{service}`", PAGE, flags=re.MULTILINE), service


def test_every_queue_has_a_scaler_or_a_reason() -> None:
    scaled = {
        queue
        for name in of_kind("ScaledObject")
        for queue in WORKLOADS[name].settings["MAILER_QUEUES"].split(",")
    }
    reasons = set(re.findall(r"^\| `([a-z0-9.*]+)` \| [^|]+ \| [^|]+ \|$", PAGE, flags=re.MULTILINE))
    unexplained = [
        queue
        for queue in TOPOLOGY.queues
        if queue not in scaled | reasons and re.sub(r"(?<=wait\.).*", "*", queue) not in reasons
    ]
    assert unexplained == []


def test_every_class_has_mailers_of_its_own_and_nobody_takes_a_queue_that_is_another_ones() -> None:
    taken = [queue for name in MAILERS for queue in WORKLOADS[name].settings["MAILER_QUEUES"].split(",")]
    assert sorted(taken) == sorted(MAILER_WORK)
    for name, queue in MAILERS.items():
        assert WORKLOADS[name].settings["MAILER_QUEUES"].split(",")[0] == queue
        query = of_kind("ScaledObject")[name]["spec"]["triggers"][0]["metadata"]["query"]
        assert f'class="{name.removeprefix("mailer-")}"' in query
        assert f'queue="{queue}"' in query


def test_the_figures_that_scalers_ask_for_are_ones_that_mailers_tell() -> None:
    page = (REPOSITORY / "docs" / "delivery.md").read_text(encoding="utf-8")
    asked = {
        figure
        for each in of_kind("ScaledObject").values()
        for figure in re.findall(r"mailer_\w+", each["spec"]["triggers"][0]["metadata"]["query"])
    }
    assert {figure for figure in asked if f"| `{figure}" not in page} == set()
    assert len(asked) == 2


def test_the_mailers_of_all_classes_differ_in_nothing_else() -> None:
    def alike(name: str) -> str:
        text = (BASE / "services" / f"{name}.yaml").read_text(encoding="utf-8")
        return re.sub(r"(?<=MAILER_QUEUES, value: ).*", "", text.replace(name, "mailer"))

    assert len({alike(name) for name in MAILERS}) == 1


def test_what_is_scaled_says_nowhere_else_how_many() -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]
        for kind in ("ScaledObject", "HorizontalPodAutoscaler")
        for each in of_kind(kind).values()
    }
    for name, manifest in of_kind("Deployment").items():
        assert ("replicas" in manifest["spec"]) != (name in scaled), name


def test_whatever_has_more_than_one_replica_keeps_all_but_one_of_them() -> None:
    budgets = {
        each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: each["spec"]["maxUnavailable"]
        for each in of_kind("PodDisruptionBudget").values()
    }
    several = {name for name, each in of_kind("Deployment").items() if each["spec"].get("replicas", 2) > 1}
    assert budgets == dict.fromkeys({*several, "rabbitmq"}, 1)


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_process_gets_every_setting_it_needs_and_none_it_does_not_know(workload: Workload) -> None:
    known = {variable_of(cls, name) for cls in PROCESSES[workload.name] for name in cls.model_fields}
    required = {
        variable_of(cls, name)
        for cls in PROCESSES[workload.name]
        for name, field in cls.model_fields.items()
        if field.is_required()
    }
    given = {
        name if name in known else name.removesuffix("_FILE") for name in {*workload.settings} - NOT_SETTINGS
    }
    assert given - known == set()
    assert required - given == set()


def test_every_map_of_settings_has_a_reader() -> None:
    read = {
        source["configMapRef"]["name"]
        for workload in WORKLOADS.values()
        for source in workload.container.get("envFrom", [])
    }
    assert read == set(settings_maps())


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_process_is_mounted_exactly_the_secrets_whose_files_its_settings_name(workload: Workload) -> None:
    secrets = listed_secrets()
    assert workload.secrets <= set(secrets)
    mounted = {
        file for name in workload.secrets for file in secrets[name].files if name != "rabbitmq-default-user"
    }
    optional = {
        file
        for source in next(v for v in workload.pod["volumes"] if v["name"] == "secrets")["projected"][
            "sources"
        ]
        if source["secret"].get("optional")
        for file in secrets[source["secret"]["name"]].files
    }
    assert workload.files | optional == mounted


def test_the_page_says_of_every_secret_who_has_it_and_lists_none_that_nobody_has() -> None:
    having: dict[str, set[str]] = {}
    for workload in WORKLOADS.values():
        for secret in workload.secrets:
            having.setdefault(secret, set()).add(workload.name)
    assert {name: set(secret.read_by) for name, secret in listed_secrets().items()} == having


def test_nobody_but_the_topology_step_administers_the_broker_and_nobody_but_migrations_own_tables() -> None:
    having = {name: workload.secrets for name, workload in WORKLOADS.items()}
    assert {name for name, secrets in having.items() if "rabbitmq-default-user" in secrets} == {"topology"}
    owners = {name for name, secrets in having.items() if any("migration" in each for each in secrets)}
    assert owners == {"auth-migrate", "mailer-migrate"}
    assert WORKLOADS["topology"].container["image"] == "postern/rabbitmq-tools"


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_pod_may_reach_what_it_has_the_login_of_and_nothing_else(workload: Workload) -> None:
    reaches = {
        "postern/reaches-auth-database": "auth_database_url|auth_migration_database_url",
        "postern/reaches-mailer-database": "mailer_database_url|mailer_migration_database_url",
        "postern/reaches-broker": r"\w+_broker_url",
        "postern/reaches-smtp": "mailer_smtp_url",
    }
    expected = {
        label
        for label, pattern in reaches.items()
        if any(re.fullmatch(pattern, file) for file in workload.files)
    }
    assert {label for label in workload.labels if label.startswith("postern/reaches-")} == expected


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_pod_has_no_more_power_than_it_needs(workload: Workload) -> None:
    container, pod = workload.container, workload.pod
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    # Otherwise every Service of the namespace would be among the variables, under names that settings might have.
    assert pod["enableServiceLinks"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}
    assert "cpu" not in container["resources"]["limits"]


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_an_image_is_one_that_is_built_and_its_command_is_there(workload: Workload) -> None:
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    target = workload.container["image"].removeprefix("postern/")
    entry = re.search(
        rf'^FROM runtime AS {target}\n(?:.*\n)*?ENTRYPOINT \["(\S+)"\]', dockerfile, flags=re.MULTILINE
    )
    assert entry, target
    if "args" in workload.container:
        (subcommand, *_) = words = workload.container["args"]
        assert subcommand in COMMANDS[entry[1]].commands  # type: ignore[attr-defined]
        assert flaw_of(COMMANDS[entry[1]], words) is None
    else:
        assert workload.container["command"] == ["sleep", "infinity"]


def test_everything_that_lasts_is_asked_on_its_own_port_whether_it_works() -> None:
    for name in {*of_kind("Deployment")} - {"flower", "auth-operator", "mailer-operator"}:
        container = WORKLOADS[name].container
        annotations = WORKLOADS[name].manifest["spec"]["template"]["metadata"]["annotations"]
        (port,) = (each["containerPort"] for each in container["ports"] if each["name"] == "metrics")
        assert f"0.0.0.0:{port}" in WORKLOADS[name].settings.values()
        assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": str(port)}
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}


def test_the_mailer_is_given_longer_to_stop_than_it_gives_its_letters() -> None:
    for name in MAILERS:
        seconds = int(WORKLOADS[name].settings["MAILER_STOP_SECONDS"])
        assert WORKLOADS[name].pod["terminationGracePeriodSeconds"] > seconds


def test_the_broker_is_the_version_that_compose_runs() -> None:
    compose = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    assert f":-{of_kind('RabbitmqCluster')['rabbitmq']['spec']['image']}}}" in compose
