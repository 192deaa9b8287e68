"""The stack under Docker Compose, as far as scaling it goes."""

import shutil
import subprocess

from postern_local.configuration import REPOSITORY
from postern_local.errors import StepFailed

SCALE = REPOSITORY / "deploy" / "compose" / "scale.sh"


def is_running() -> bool:
    """Whether a mailer of the checkout's Compose project runs."""
    if shutil.which("docker") is None:
        return False
    command = ["docker", "compose", "ps", "--services", "--status", "running"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.returncode == 0 and "mailer" in done.stdout.split()


def scale(replicas: int) -> None:
    """Bring the number of mailer containers to `replicas`; the ones that stay are not touched.

    Raises:
        StepFailed: Docker Compose said no; it has printed why.
    """
    command = [str(SCALE), f"mailer={replicas}"]
    if subprocess.run(command, cwd=REPOSITORY, check=False).returncode != 0:
        raise StepFailed(SCALE.name)
