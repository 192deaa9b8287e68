"""The stack under Docker Compose, as far as this machine's commands have to know of it."""

import shutil
import subprocess

from postern_local.configuration import REPOSITORY


def is_running() -> bool:
    """Whether a mailer of the checkout's Compose project runs."""
    return "mailer" in _compose("ps", "--services", "--status", "running").split()


def console_address() -> str:
    """Where RabbitMQ's console is published, as host:port; the usual place where Compose does not say."""
    return _compose("port", "rabbitmq", "15672").strip() or "127.0.0.1:15672"


def _compose(*arguments: str) -> str:
    if shutil.which("docker") is None:
        return ""
    command = ["docker", "compose", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
