"""What is known of a letter on the broker from its message alone: from our headers, else from RabbitMQ's and the body.

Nothing in here is believed: it is for people to read and to select by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from mail_contract.errors import BadSignature, UnknownKey
from mail_contract.keys import VerifyingKeys
from mail_contract.letters import LetterClass
from mail_contract.messages import MAX_MESSAGE_BYTES, Envelope
from mail_contract.sealing import verify
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mail_contract.topology import CLASS_QUEUES, MAILER_CANCELLATIONS
from mailer_service.deadletters import message as names
from mailer_service.deadletters.message import QueuedMessage
from mailer_service.errors import Unauthentic
from mailer_service.incoming import IncomingMessage

UNKNOWN = "unknown"
_JSON = "application/json"
_WORK_QUEUES = {queue: letter_class for letter_class, queue in CLASS_QUEUES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterInfo:
    """A dead or a waiting letter in an operator's terms.

    Attributes:
        message: what it was read from.
        id: the letter's; of a message without one `body-` and its fingerprint.
        reason: a short token.
        derived: whether the reason was worked out here, for want of a header that says it.
        letter: which letter, as its clear header says.
        letter_class: its class, else `unknown`.
        reply: the server's last words.
        attempts: how many there were; None if only the ledger knows.
        provider: whom it was with last.
        recipient, domain: tags of the keyed hashes of whom it is for.
        first_seen, died_at: times, as far as they are said.
        created_at: when it was asked for, as its clear header says.
        incoming: the call in it, if it is one.
    """

    message: QueuedMessage
    id: str
    reason: str
    derived: bool
    letter: str | None
    letter_class: str
    reply: str | None
    attempts: int | None
    provider: str | None
    recipient: str | None
    domain: str | None
    first_seen: datetime | None
    died_at: datetime | None
    created_at: datetime | None
    incoming: IncomingMessage | None = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What this one is known by in a later walk: its id, and the fingerprint of its message."""
        return self.id, self.message.fingerprint

    @property
    def since(self) -> datetime | None:
        """Since when it is in trouble: dead since then, or on its way since then if it waits."""
        return self.died_at or self.created_at


def read(message: QueuedMessage) -> LetterInfo:
    """Reads a message; whatever is in it, this does not fail."""
    flaw, incoming = _decode(message)
    headers = message.headers
    death = _last_death(headers)
    said = _text(headers.get(names.REASON)) if death is None else None
    if said is not None:
        reason = said
    elif death is not None and death.get("reason") != "rejected":
        reason = _text(death.get("reason")) or UNKNOWN
    else:
        reason = flaw or ("rejected" if death else UNKNOWN)
    clear = _clear_header(incoming)
    return LetterInfo(
        message=message,
        id=_id_of(message, incoming),
        reason=reason,
        derived=said is None,
        letter=_text(clear.get("letter")),
        letter_class=_class_of(headers, clear, death),
        reply=_text(headers.get(names.REPLY)),
        attempts=_number(headers.get(names.ATTEMPTS)),
        provider=_text(headers.get(names.PROVIDER)),
        recipient=_text(headers.get(names.RECIPIENT)),
        domain=_text(headers.get(names.DOMAIN)),
        created_at=_time(clear.get("created_at")),
        first_seen=_time(headers.get(names.FIRST_SEEN)),
        died_at=_time(death.get("time")) if death else _time(headers.get(names.DIED_AT)),
        incoming=incoming,
    )


def _decode(message: QueuedMessage) -> tuple[str | None, IncomingMessage | None]:
    """Returns what is wrong with the message, as the worker's consumer would name it, or the call in it."""
    if message.size > MAX_MESSAGE_BYTES:
        return "oversized", None
    if message.properties.get("content_type") != _JSON:
        return "undecodable", None
    try:
        payload = json.loads(message.body)
    except (ValueError, RecursionError):
        return "undecodable", None
    task, task_id = message.headers.get("task"), message.headers.get("id")
    shape = [type(part) for part in payload] if isinstance(payload, list) else None
    if shape != [list, dict, dict] or not isinstance(task, str) or not isinstance(task_id, str):
        return "not_a_task", None
    args, kwargs, _ = payload
    incoming = IncomingMessage(task=task, id=task_id, args=args, kwargs=kwargs)
    return (None if task in {DELIVER_LETTER, CANCEL_LETTER} else "unknown_task"), incoming


def _last_death(headers: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Returns how RabbitMQ dead-lettered it from a work queue, if it did: then that is later than any word of ours."""
    deaths = headers.get(names.BROKERS_DEATH)
    last = deaths[0] if isinstance(deaths, Sequence) and deaths and isinstance(deaths[0], Mapping) else {}
    return last if _text(last.get("queue")) in {*_WORK_QUEUES, MAILER_CANCELLATIONS} else None


def _clear_header(incoming: IncomingMessage | None) -> Mapping[str, Any]:
    envelope = incoming.args[0] if incoming and incoming.args else None
    header = envelope.get("header") if isinstance(envelope, Mapping) else None
    return header if isinstance(header, Mapping) else {}


def _id_of(message: QueuedMessage, incoming: IncomingMessage | None) -> str:
    try:
        return str(UUID(incoming.id)) if incoming else f"body-{message.fingerprint}"
    except ValueError:
        return f"body-{message.fingerprint}"


def _class_of(headers: Mapping[str, Any], clear: Mapping[str, Any], death: Mapping[str, Any] | None) -> str:
    candidates = (
        headers.get(names.CLASS),
        clear.get("letter_class"),
        _WORK_QUEUES.get(death["queue"]) if death else None,
    )
    return next((str(name) for name in map(_text, candidates) if name in set(LetterClass)), UNKNOWN)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_SIGNATURE_REASONS = frozenset({"bad_signature", "unknown_key"})
"""Found by a mailer at the time; with the keys at hand it is looked at again, for a key may have been missing."""
_LASTING_REASONS = frozenset({"broken_seal", "replayed_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEnvelope:
    """A letter.

    Attributes:
        envelope: as it came.
        digest: of its signature, as the ledger keeps it.
    """

    envelope: Envelope
    digest: bytes


@dataclass(frozen=True, slots=True)
class DeadCancellation:
    """A withdrawal that was never carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Nothing that could be sent again: undecodable, or not from auth-service.

    Attributes:
        reason: a short token.
    """

    reason: str


Content: TypeAlias = DeadEnvelope | DeadCancellation | Unfit


def examine(info: LetterInfo, keys: VerifyingKeys | None) -> Content:
    """Looks at a dead letter as a mailer of this version would.

    Args:
        info: what was read of it.
        keys: auth's public keys; without them the word of the mailer that dead-lettered it is taken.
    """
    try:
        return _content(info, keys)
    except Unauthentic as error:
        return Unfit(reason=error.reason)


def _content(info: LetterInfo, keys: VerifyingKeys | None) -> Content:
    incoming = info.incoming
    if incoming is None:
        raise Unauthentic(info.reason)
    if incoming.task == CANCEL_LETTER:
        incoming.cancellation()
        return DeadCancellation()
    if incoming.task != DELIVER_LETTER:
        raise Unauthentic("unknown_task")
    envelope = incoming.envelope()
    if info.reason in _LASTING_REASONS or (keys is None and info.reason in _SIGNATURE_REASONS):
        raise Unauthentic(info.reason)
    if keys is not None:
        _check_signature(envelope, keys)
    return DeadEnvelope(envelope=envelope, digest=hashlib.sha256(envelope.signature.encode()).digest())


def _check_signature(envelope: Envelope, keys: VerifyingKeys) -> None:
    try:
        verify(envelope, keys)
    except UnknownKey:
        raise Unauthentic("unknown_key") from None
    except BadSignature:
        raise Unauthentic("bad_signature") from None
