"""Errors of what every process of ours runs on: its configuration, and the connection it publishes on."""

from __future__ import annotations

from typing import ClassVar


class ServiceRuntimeError(Exception):
    """A process cannot run as it should.

    Attributes:
        sentence: what happened, for whoever reads the log; what it was about follows.
    """

    sentence: ClassVar[str] = "A process cannot run as it should."

    def __init__(self, about: str = "") -> None:
        super().__init__(f"{self.sentence} {about}" if about else self.sentence)


class SettingsError(ServiceRuntimeError):
    """The configuration is incomplete or wrong."""

    sentence = "The configuration is incomplete or wrong."


class AddressTaken(ServiceRuntimeError):
    """The port for metrics and health cannot be opened."""

    sentence = "The port for metrics and health cannot be opened."


class BrokerLost(ServiceRuntimeError):
    """The connection to the broker cannot be used any more.

    Attributes:
        why: what ended it: the class of the library's error and the broker's reply code.
    """

    sentence = "The connection to the broker cannot be used any more."

    def __init__(self, why: str) -> None:
        super().__init__(f"({why})")
        self.why = why
