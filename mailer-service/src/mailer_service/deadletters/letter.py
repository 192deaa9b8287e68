"""What a dead letter turns out to be: an envelope or a cancellation that may go on, or something that may not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

from mail_contract.errors import BadSignature, UnknownKey
from mail_contract.keys import VerifyingKeys
from mail_contract.messages import Envelope
from mail_contract.sealing import verify
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mailer_service.deadletters.info import DeadLetterInfo
from mailer_service.errors import Unauthentic

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


def examine(info: DeadLetterInfo, keys: VerifyingKeys | None) -> Content:
    """Looks at a dead letter as a mailer of this version would.

    Args:
        info: what was read of it.
        keys: auth's public keys; without them the word of the mailer that buried it is taken.
    """
    try:
        return _content(info, keys)
    except Unauthentic as error:
        return Unfit(reason=error.reason)


def _content(info: DeadLetterInfo, keys: VerifyingKeys | None) -> Content:
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
