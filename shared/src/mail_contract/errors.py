"""Errors of the contract; the docstring of each is the first half of its message."""

from __future__ import annotations


class ContractError(Exception):
    """Something broke the agreement between the two services."""

    def __init__(self, about: str = "") -> None:
        sentence = (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(f"{sentence} {about}" if about else sentence)


class SealError(ContractError):
    """An envelope could not be opened."""


class UnknownKey(SealError):
    """The envelope names a key this service does not hold."""


class BadSignature(SealError):
    """The envelope was not signed by a known sender, or was changed on the way."""


class BrokenSeal(SealError):
    """The sealed part does not open under its header, or holds something unexpected."""


class BadKey(ContractError):
    """A key file does not hold the expected keys."""


class SettingsError(ContractError):
    """The configuration is incomplete or wrong."""


class PublishError(ContractError):
    """A message was not taken by the broker, as far as is known."""


class BrokerUnavailable(PublishError):
    """The broker did not confirm the message in time; it may have it nevertheless."""


class Unroutable(PublishError):
    """The broker returned the message: no queue is bound for it."""


class BrokerLost(ContractError):
    """The connection to the broker is of no use any more.

    Attributes:
        why: what ended it; the class of the library's error and the broker's reply code.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"({why})")
        self.why = why


class TopologyError(ContractError):
    """The broker's objects could not be brought into the agreed form."""
