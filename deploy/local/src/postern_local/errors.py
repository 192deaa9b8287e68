"""What can go wrong with the native stack."""

from typing import ClassVar


class LocalStackError(Exception):
    """The native stack cannot do what was asked.

    Attributes:
        sentence: what happened, for people; details follow.
        exit_code: of the command.
    """

    sentence: ClassVar[str] = "The native stack cannot do what was asked."
    exit_code = 1

    def __str__(self) -> str:
        detail = super().__str__()
        reason = self.sentence.removesuffix(".")
        return f"{reason}: {detail}" if detail else reason


class MissingPackage(LocalStackError):
    """A system package is missing."""

    sentence = "A system package is missing."

    exit_code = 2


class AlreadyRunning(LocalStackError):
    """The stack is already running; nothing was changed."""

    sentence = "The stack is already running; nothing was changed."


class StillRunning(LocalStackError):
    """The stack is running; stop it first (Ctrl-C in its terminal)."""

    sentence = "The stack is running; stop it first (Ctrl-C in its terminal)."


class NotRunning(LocalStackError):
    """No stack is running here."""

    sentence = "No stack is running here."


class NotReady(LocalStackError):
    """A part of the stack did not answer in time."""

    sentence = "A part of the stack did not answer in time."


class Interrupted(LocalStackError):
    """Stopped while starting."""

    sentence = "Stopped while starting."

    exit_code = 0


class StepFailed(LocalStackError):
    """A step of the set-up failed."""

    sentence = "A step of the set-up failed."


class SupervisorGone(LocalStackError):
    """supervisord does not answer."""

    sentence = "supervisord does not answer."


class UnsafeDirectory(LocalStackError):
    """A directory for data is not ours."""

    sentence = "A directory for data is not ours."
