"""What can go wrong with the native stack; the docstring is the sentence people read."""


class LocalStackError(Exception):
    """The native stack cannot do what was asked."""

    exit_code = 1

    def __str__(self) -> str:
        detail = super().__str__()
        reason = (type(self).__doc__ or "").strip().removesuffix(".")
        return f"{reason}: {detail}" if detail else reason


class MissingPackage(LocalStackError):
    """A system package is missing."""

    exit_code = 2


class AlreadyRunning(LocalStackError):
    """The stack is already running; nothing was changed."""


class StillRunning(LocalStackError):
    """The stack is running; stop it first (Ctrl-C in its terminal)."""


class NotRunning(LocalStackError):
    """No stack is running here."""


class NotReady(LocalStackError):
    """A part of the stack did not answer in time."""


class Interrupted(LocalStackError):
    """Stopped while starting."""

    exit_code = 0


class StepFailed(LocalStackError):
    """A step of the set-up failed."""


class SupervisorGone(LocalStackError):
    """supervisord does not answer."""


class UnsafeDirectory(LocalStackError):
    """A directory for data is not ours."""
