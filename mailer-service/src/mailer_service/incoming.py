"""A message as it came from the broker, before anything in it has been verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from mail_contract.errors import BadSignature, SealError, UnknownKey
from mail_contract.letters import LetterClass
from mail_contract.messages import Cancellation, Contents, Envelope
from mail_contract.sealing import Opener
from mailer_service.errors import Unauthentic

VERSION = 1
HIGHEST_PRIORITY = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """What a task was called with.

    Attributes:
        task: name of the task.
        id: of the task; of a letter too, if the message is what it should be.
        args, kwargs: its arguments.
    """

    task: str
    id: str
    args: Sequence[Any] = field(repr=False)
    kwargs: Mapping[str, Any] = field(repr=False)

    def envelope(self) -> Envelope:
        """Returns the envelope; raises Unauthentic, which quotes nothing."""
        claimed = self._single_argument()
        header = claimed.get("header")
        if isinstance(header, dict) and header.get("version") != VERSION:
            raise Unauthentic("unknown_version")
        try:
            envelope = Envelope.model_validate(claimed)
        except ValidationError:
            raise Unauthentic("malformed") from None
        if str(envelope.header.id) != self.id:
            raise Unauthentic("wrong_id")
        return envelope

    def cancellation(self) -> Cancellation:
        """Returns the cancellation; raises Unauthentic, which quotes nothing."""
        claimed = self._single_argument()
        if claimed.get("version") != VERSION:
            raise Unauthentic("unknown_version")
        try:
            return Cancellation.model_validate(claimed)
        except ValidationError:
            raise Unauthentic("malformed") from None

    def letter_class(self) -> LetterClass | None:
        """Returns the class the message names, whether or not it may be believed."""
        try:
            return LetterClass(self._single_argument()["header"]["letter_class"])
        except (Unauthentic, KeyError, TypeError, ValueError):
            return None

    @property
    def priority(self) -> int:
        """The priority the letter names, 0 to 9, whether or not it may be believed; 0 where it names none.

        The message's own property is no help: RabbitMQ 4.3 drops it when a message is returned to its queue.
        """
        try:
            priority = self._single_argument()["header"]["priority"]
        except (Unauthentic, KeyError, TypeError):
            return 0
        return priority if type(priority) is int and 0 <= priority <= HIGHEST_PRIORITY else 0

    def _single_argument(self) -> dict[str, Any]:
        if len(self.args) != 1 or self.kwargs or not isinstance(self.args[0], dict):
            raise Unauthentic("malformed")
        return self.args[0]


def opened(envelope: Envelope, opener: Opener) -> Contents:
    """Returns what is sealed in an envelope that auth-service signed; raises Unauthentic, which quotes nothing."""
    try:
        return opener.open(envelope)
    except UnknownKey:
        raise Unauthentic("unknown_key") from None
    except BadSignature:
        raise Unauthentic("bad_signature") from None
    except SealError:
        raise Unauthentic("broken_seal") from None
