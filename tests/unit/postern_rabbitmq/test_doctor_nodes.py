"""The broker itself."""

from dataclasses import replace
from typing import Any

import pytest

from postern_rabbitmq.doctor.finding import Code, Severity
from postern_rabbitmq.doctor.nodes import alarms, nodes, version
from postern_rabbitmq.doctor.snapshot import Snapshot
from support.healthy import healthy


def with_node(**fields: Any) -> Snapshot:
    return replace(healthy(), nodes=({"name": "a@host", **fields},))


@pytest.mark.parametrize("number", ["4.0.0", "4.0.5", "4.2.1", "4.3.1", "4.3.3", "4.3.6-rc.1"])
def test_supported_versions_are_fine(number: str) -> None:
    assert list(version(replace(healthy(), version=number))) == []


@pytest.mark.parametrize(
    ("number", "severity"),
    [
        ("3.8.9", Severity.ERROR),
        ("3.9.0", Severity.ERROR),
        ("3.10.8", Severity.WARNING),
        ("3.13.7", Severity.WARNING),
        ("4.2.6", Severity.WARNING),
        ("4.3.0-rc.1", Severity.WARNING),
        ("5.0.0", Severity.WARNING),
        ("", Severity.WARNING),
    ],
)
def test_a_version_that_is_too_old_is_an_error_and_one_not_tested_a_warning(
    number: str, severity: Severity
) -> None:
    (finding,) = version(replace(healthy(), version=number))
    assert (finding.code, finding.severity) == (Code.VERSION, severity)


@pytest.mark.parametrize(("number", "count"), [("4.0.5", 1), ("4.3.2", 1), ("4.3.3", 0), ("4.4.0", 0)])
def test_a_cluster_whose_dead_letters_may_stand_still_is_told(number: str, count: int) -> None:
    cluster = replace(healthy(), version=number, nodes=({"name": "a@host"}, {"name": "b@host"}))
    assert len(list(version(cluster))) == count


def test_both_alarms_are_named_with_their_figures() -> None:
    memory, disk = alarms(
        with_node(
            mem_alarm=True, mem_used=3_000_000, mem_limit=2e6, disk_free_alarm=True, disk_free=1_000_000
        )
    )
    assert memory.code is Code.MEMORY_ALARM
    assert "(mem_used 3 MB, mem_limit 2 MB)" in memory.sentence
    assert disk.code is Code.DISK_ALARM
    assert "(disk_free 1 MB)" in disk.sentence


def test_a_node_that_is_down_is_named_and_asked_nothing_else() -> None:
    (finding,) = nodes(with_node(running=False))
    assert (finding.code, finding.object) == (Code.NODE_DOWN, "a@host")


def test_a_partition_is_named() -> None:
    (finding,) = nodes(with_node(running=True, partitions=["b@host"]))
    assert finding.code is Code.PARTITION
    assert "b@host" in finding.sentence


def test_a_missing_plugin_is_a_warning_with_the_command_that_enables_it() -> None:
    (finding,) = nodes(with_node(enabled_plugins=["rabbitmq_management"]))
    assert (finding.code, finding.severity) == (Code.PLUGIN_MISSING, Severity.WARNING)
    assert finding.fix == "rabbitmq-plugins enable rabbitmq_prometheus"


def test_a_node_that_says_nothing_of_itself_is_taken_as_well() -> None:
    assert [*nodes(with_node()), *alarms(with_node())] == []
