"""What every process tells Prometheus of itself: which version it is, and what the machine gives it."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class BuildCollector(Collector):
    """Tells which version of a service this is, and which Python runs it.

    Args:
        service: as logs call the process.
        distribution: the installed package whose version counts.
    """

    def __init__(self, *, service: str, distribution: str) -> None:
        self._labels = {
            "service": service,
            "version": version(distribution),
            "python": platform.python_version(),
        }

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the one metric, whose value is 1."""
        family = GaugeMetricFamily("postern_build_info", "What runs here.", labels=list(self._labels))
        family.add_metric(list(self._labels.values()), 1)
        yield family


class ProcessesCollector(Collector):
    """Tells what the machine gives all processes that share their metrics, added up.

    Whichever of them is asked, it answers alike; else its figures would seem to jump.

    Args:
        directory: where each keeps a file that is named for its kind and its process, such as `counter_123.db`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterator[Metric]:
        """Yields each figure once; the start is the earliest."""
        families: dict[str, Metric] = {}
        for pid in sorted({path.stem.rpartition("_")[2] for path in self._directory.glob("*_*.db")}):
            for family in ProcessCollector(pid=partial(str, pid), registry=None).collect():
                known = families.setdefault(family.name, family)
                if known is not family:
                    add = min if family.name == "process_start_time_seconds" else sum
                    value = add((known.samples[0].value, family.samples[0].value))
                    known.samples[0] = known.samples[0]._replace(value=value)
        yield from families.values()


def process_registry(*, service: str, distribution: str) -> CollectorRegistry:
    """Returns a registry that has what every process tells; a process adds its own."""
    registry = CollectorRegistry()
    registry.register(BuildCollector(service=service, distribution=distribution))
    ProcessCollector(registry=registry)
    return registry
