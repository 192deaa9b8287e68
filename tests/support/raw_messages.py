"""Messages that no service of ours would write."""

from collections.abc import Mapping
from typing import Any

from kombu import Connection

from mail_contract.letters import LetterClass
from mail_contract.topology import Route, letter_route

URGENT = letter_route(LetterClass.URGENT)


def publish_raw(
    connection: Connection,
    body: bytes | str,
    *,
    headers: Mapping[str, Any],
    route: Route = URGENT,
    content_type: str = "application/json",
) -> None:
    """Publish a body as it is; on `route`, which is where urgent letters arrive unless another is given."""
    connection.Producer().publish(
        body,
        exchange=route.exchange,
        routing_key=route.routing_key,
        content_type=content_type,
        content_encoding="utf-8",
        headers=dict(headers),
    )
