"""What deploy/kubernetes/ says, read as Kustomize reads it: resources, components, and settings merged from base and overlay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from architecture.test_house_rules import REPOSITORY

ROOT = REPOSITORY / "deploy" / "kubernetes"
BASE, EXAMPLE = ROOT / "base", ROOT / "example"
PAGE = (REPOSITORY / "docs" / "kubernetes.md").read_text(encoding="utf-8")

Manifest = dict[str, Any]


def kustomization(folder: Path) -> Manifest:
    found: Manifest = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return found


def manifests_of(folder: Path) -> Iterator[Manifest]:
    """The folder's resources and those of its components, as they are before patches."""
    for name in kustomization(folder).get("resources", []):
        if (folder / name).is_dir():
            yield from manifests_of(folder / name)
        else:
            yield from yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))
    for name in kustomization(folder).get("components", []):
        yield from manifests_of(folder / name)


def settings_maps() -> Mapping[str, Mapping[str, str]]:
    """By the name of a ConfigMap what it says with the example over the base."""
    found: dict[str, dict[str, str]] = {}
    for folder in (BASE / "services", EXAMPLE / "services"):
        for entry in kustomization(folder)["configMapGenerator"]:
            for file in entry["envs"]:
                lines = (folder / file).read_text(encoding="utf-8").splitlines()
                pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
                found.setdefault(entry["name"], {}).update(pairs)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment or Job of ours, with one container."""

    manifest: Manifest
    settings: Mapping[str, str]

    @property
    def name(self) -> str:
        """The workload's own."""
        return str(self.manifest["metadata"]["name"])

    @property
    def pod(self) -> Manifest:
        """The specification of its pods."""
        found: Manifest = self.manifest["spec"]["template"]["spec"]
        return found

    @property
    def labels(self) -> Mapping[str, str]:
        """Those of its pods."""
        found: Mapping[str, str] = self.manifest["spec"]["template"]["metadata"]["labels"]
        return found

    @property
    def container(self) -> Manifest:
        """The only one."""
        (found,) = self.pod["containers"]
        assert isinstance(found, dict)
        return found

    @property
    def secrets(self) -> set[str]:
        """The names of the Secrets that are mounted or put into its environment."""
        sources = next(v for v in self.pod["volumes"] if v["name"] == "secrets")["projected"]["sources"]
        return {source["secret"]["name"] for source in sources} | {
            entry["valueFrom"]["secretKeyRef"]["name"]
            for entry in self.container["env"]
            if "valueFrom" in entry
        }

    @property
    def files(self) -> set[str]:
        """The secrets' files that its settings name."""
        return {Path(value).name for value in self.settings.values() if value.startswith("/run/postern/")}


def workloads() -> Iterator[Workload]:
    """Everything of ours that runs in the example."""
    maps = settings_maps()
    for folder in ("jobs", "services"):
        for manifest in manifests_of(EXAMPLE / folder):
            if manifest["kind"] in {"Deployment", "Job"}:
                (container,) = manifest["spec"]["template"]["spec"]["containers"]
                given = {entry["name"]: entry.get("value", "") for entry in container["env"]}
                for source in container.get("envFrom", []):
                    given |= maps[source["configMapRef"]["name"]]
                yield Workload(manifest=manifest, settings=given)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSecret:
    """A row of the table of secrets in docs/kubernetes.md."""

    files: frozenset[str]
    read_by: frozenset[str]


def listed_secrets() -> Mapping[str, ListedSecret]:
    """The table's rows by the Secret's name."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (`[^|]+`) \| [^|]+ \| ([^|]+) \|$", PAGE, flags=re.MULTILINE)
    return {
        name: ListedSecret(
            files=frozenset(re.findall(r"`([^`]+)`", files)), read_by=frozenset(readers.split(", "))
        )
        for name, files, readers in rows
    }
