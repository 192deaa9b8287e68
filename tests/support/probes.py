"""What a process tells on the HTTP port for operators."""

from http import HTTPStatus

import httpx
from prometheus_client.parser import text_string_to_metric_families

from postern_local.ports import LOOPBACK, any_ports
from support.certificates import NOBODY


def free_listen() -> str:
    """host:port for a process."""
    return f"{LOOPBACK}:{any_ports({})['ops']}"


def is_ready(listen: str) -> bool:
    """Whether `/readyz` says yes."""
    try:
        return httpx.get(f"http://{listen}/readyz", verify=NOBODY, timeout=5).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


def figures(listen: str) -> dict[str, float]:
    """Every sample of `/metrics` without labels by its name, those with labels added up."""
    text = httpx.get(f"http://{listen}/metrics", verify=NOBODY).raise_for_status().text
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found
