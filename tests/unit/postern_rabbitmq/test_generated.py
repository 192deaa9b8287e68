"""What is written from the topology and kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mail_contract.topology import TOPOLOGY
from postern_rabbitmq import definitions
from postern_rabbitmq.diagram import diagram

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("path", "generate"),
    [("deploy/rabbitmq/definitions.json", definitions.as_text), ("docs/topology.md", diagram)],
)
def test_generated_files_are_in_step(path: str, generate: Callable[..., str]) -> None:
    assert (REPOSITORY / path).read_text(encoding="utf-8") == generate(TOPOLOGY), "run `make generated`"
