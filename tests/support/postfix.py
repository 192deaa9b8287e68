"""A private Postfix: takes letters for every address on loopback and puts them into one Maildir.

Nothing of the system's own instance is touched: configuration, queue, log and mailbox lie in one temporary directory.
No letter can leave the machine, because every domain counts as its own.
"""

import email
import email.policy
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import idna

from postern_local.ports import LOOPBACK, any_ports
from postern_local.program import Program
from postern_local.readiness import wait_for
from support.infra import Server
from support.postfix_files import MAIL_OWNER, MAILBOX_OWNER, Listener, main_cf, make_queue, master_cf

MASTER = Path("/usr/lib/postfix/sbin/master")

REACHABLE = Path("/var/tmp")  # noqa: S108 - for a directory with a name of its own, writable for its owner alone
"""Pytest's own directories are closed to the accounts Postfix changes to."""


LONGEST_RUN_SECONDS = 900


class PostfixUnavailable(Exception):
    """Postfix cannot be started here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postfix:
    """The running instance.

    Attributes:
        home: everything it reads and writes.
        ports: by the names of the listeners it was started with.
        server: its master process.
    """

    home: Path
    ports: dict[str, int]
    server: Server

    def port(self, listener: str) -> int:
        """Where that listener takes letters."""
        return self.ports[listener]

    def letters(self, recipient: str) -> list[EmailMessage]:
        """What the Maildir has for that address, oldest first."""
        read = [email.message_from_bytes(octets, policy=email.policy.SMTPUTF8) for octets in self.sources()]
        return [letter for letter in read if _as_sent(letter["Delivered-To"]) == _as_sent(recipient)]

    def sources(self) -> list[bytes]:
        """Every letter in the Maildir as it lies there, oldest first."""
        files = sorted((self.home / "mailbox" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_bytes() for path in files]

    def log(self) -> str:
        """What it has written to its log."""
        path = self.home / "mail.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


@contextmanager
def postfix(listeners: dict[str, Listener]) -> Iterator[Postfix]:
    """Run it until the end of the block, whatever happens in there.

    Raises:
        PostfixUnavailable: it is not installed, or we are not root: Postfix changes to other accounts.
    """
    if not MASTER.exists():
        raise PostfixUnavailable("install the package postfix")
    if os.geteuid() != 0:
        raise PostfixUnavailable("it can be started by root only")
    home = Path(tempfile.mkdtemp(prefix="postern-postfix-", dir=REACHABLE))
    try:
        instance = _instance(home, listeners)
        try:
            instance.server.start()
            wait_for("Postfix", lambda: _is_ready(instance), seconds=15)
            yield instance
        finally:
            instance.server.stop()
            print(f"----- Postfix -----\n{instance.log()}")
    finally:
        shutil.rmtree(home)


def _as_sent(address: str) -> str:
    local, _, domain = address.casefold().rpartition("@")
    return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"


def _instance(home: Path, listeners: dict[str, Listener]) -> Postfix:
    home.chmod(0o711)
    configuration = home / "etc"
    configuration.mkdir()
    make_queue(home / "queue")
    (home / "data").mkdir(mode=0o700)
    shutil.chown(home / "data", user=MAIL_OWNER)
    (home / "mailbox").mkdir(mode=0o700)
    shutil.chown(home / "mailbox", user=MAILBOX_OWNER)
    free = iter(any_ports({}).values())
    ports = {name: next(free) for name in listeners}
    by_port = {ports[name]: listener for name, listener in listeners.items()}
    (configuration / "main.cf").write_text(main_cf(home, pwd.getpwnam(MAILBOX_OWNER)), encoding="utf-8")
    (configuration / "master.cf").write_text(master_cf(LOOPBACK, by_port), encoding="utf-8")
    program = Program(
        name="postfix",
        # Without -w the master stays in the foreground: its pid is the one we end it by. It changes accounts for a
        # moment, which makes the kernel forget to end it with us; so it ends itself, should we be killed.
        command=(str(MASTER), "-c", str(configuration), "-s", "-e", str(LONGEST_RUN_SECONDS)),
        directory=home,
        stop_seconds=5,
    )
    return Postfix(home=home, ports=ports, server=Server(program=program, log=home / "master.log"))


def _is_ready(instance: Postfix) -> bool:
    if not instance.server.is_running:
        raise PostfixUnavailable(instance.log() + instance.server.log.read_text(encoding="utf-8"))
    return "daemon started" in instance.log()
