"""Everything works under `python -OO`, which takes docstrings and assertions away."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # compiles everything anew

PACKAGES = (
    "mail_contract",
    "service_runtime",
    "postern_rabbitmq",
    "auth_service",
    "mailer_service",
    "postern_local",
)

IMPORT_ALL = f"""
import importlib, pkgutil

PACKAGES = {PACKAGES}
for name in PACKAGES:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith(("__main__", ".env")):
            importlib.import_module(module.name)
"""

NAME_ERRORS = (
    IMPORT_ALL
    + """
def below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from below(one)
for kind in sorted(below(Exception), key=lambda kind: (kind.__module__, kind.__name__)):
    if kind.__module__.startswith(tuple(name + "." for name in PACKAGES)):
        words = getattr(kind, "sentence", None) or getattr(kind, "title", None)
        print(kind.__module__, kind.__name__, words)
        if words:
            try:
                error = kind("why")
            except TypeError:
                error = kind()
            assert_words = str(error) or 1 / 0
"""
)


def run(*options: str) -> str:
    return subprocess.run(
        [sys.executable, *options, "-c", NAME_ERRORS], check=True, capture_output=True, text=True, timeout=120
    ).stdout


def test_every_module_can_be_imported_and_every_error_says_the_same_without_docstrings() -> None:
    usual = run()
    assert run("-OO") == usual
    assert len(usual.splitlines()) > 40
    assert "UnknownLink This link isn't valid." in usual
