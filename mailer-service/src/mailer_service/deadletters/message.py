"""A message as it lies in the dead letters, before anybody believed a word of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from mail_contract.messages import MAX_MESSAGE_BYTES

_HEADERS = "application_headers"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMessage:
    """What the broker handed out.

    Attributes:
        tag: by which it is acknowledged or given back.
        body: its bytes; of an oversized one no more than would be allowed.
        size: of the whole body, bytes.
        fingerprint: of the whole body, for those that have no other name.
        properties: AMQP's own, without the headers.
        headers: the rest.
    """

    tag: int
    body: bytes = field(repr=False)
    size: int
    fingerprint: str
    properties: Mapping[str, Any]
    headers: Mapping[str, Any] = field(repr=False)

    @classmethod
    def received(cls, delivered: Any) -> Self:
        """Takes py-amqp's message apart; keeps the beginning only of one that is too large to be anything."""
        body = delivered.body
        whole: bytes = body.encode() if isinstance(body, str) else bytes(body or b"")
        properties = {name: value for name, value in delivered.properties.items() if name != _HEADERS}
        return cls(
            tag=delivered.delivery_info["delivery_tag"],
            body=whole[: MAX_MESSAGE_BYTES + 1],
            size=len(whole),
            fingerprint=hashlib.sha256(whole).hexdigest()[:16],
            properties=properties,
            headers=delivered.properties.get(_HEADERS) or {},
        )
