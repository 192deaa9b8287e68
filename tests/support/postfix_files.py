"""What a private Postfix needs on disk: its two configuration files and its queue."""

import pwd
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MAIL_OWNER = "postfix"
MAILBOX_OWNER = "nobody"
"""Postfix wants mailboxes to belong neither to root nor to its own account."""

MAIN_CF = """\
compatibility_level = 3.6
config_directory = {home}/etc
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/mail.log
maillog_file_prefixes = {home}
mail_owner = {mail_owner}
myhostname = mx.postern.example
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtputf8_enable = yes
default_transport = error:no letter leaves this machine
relay_transport = error:no letter leaves this machine
virtual_transport = virtual
virtual_mailbox_domains = static:all
virtual_mailbox_base = {home}
virtual_mailbox_maps = static:mailbox/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
"""

MASTER_CF = """\
cleanup   unix       n - n -     0 cleanup
qmgr      unix       n - n 300   1 qmgr
tlsmgr    unix       - - n 1000? 1 tlsmgr
rewrite   unix       - - n -     - trivial-rewrite
bounce    unix       - - n -     0 bounce
defer     unix       - - n -     0 bounce
trace     unix       - - n -     0 bounce
proxymap  unix       - - n -     - proxymap
error     unix       - - n -     - error
retry     unix       - - n -     - error
virtual   unix       - n n -     - virtual
anvil     unix       - - n -     1 anvil
postlog   unix-dgram n - n -     1 postlogd
"""

QUEUE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "trace")
"""Closed to everybody but Postfix; there is no `maildrop`, letters come in by SMTP alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One address that letters are taken at.

    Attributes:
        options: settings of main.cf that hold for this one only.
    """

    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def plain(cls) -> "Listener":
        """Offers no TLS."""
        return cls(options={"smtpd_tls_security_level": "none"})

    @classmethod
    def starttls(cls, certificate: Path) -> "Listener":
        """Takes letters after STARTTLS only, with this key and certificate in one PEM file."""
        return cls(
            options={
                "smtpd_tls_security_level": "encrypt",
                "smtpd_tls_chain_files": str(certificate),
                "smtpd_tls_loglevel": "1",
            }
        )


def main_cf(home: Path, mailbox_owner: pwd.struct_passwd) -> str:
    """The general configuration, with everything below `home`."""
    return MAIN_CF.format(
        home=home, mail_owner=MAIL_OWNER, uid=mailbox_owner.pw_uid, gid=mailbox_owner.pw_gid
    )


def master_cf(host: str, listeners: Mapping[int, Listener]) -> str:
    """The processes, with one SMTP server for each listener, by port."""
    servers = "".join(
        f"{host}:{port} inet n - n - - smtpd\n"
        + "".join(f"  -o {name}={value}\n" for name, value in listener.options.items())
        for port, listener in listeners.items()
    )
    return MASTER_CF + servers


def make_queue(directory: Path) -> None:
    """An empty queue."""
    directory.mkdir(mode=0o755)
    (directory / "pid").mkdir(mode=0o755)
    for name in QUEUE:
        (directory / name).mkdir(mode=0o700)
        shutil.chown(directory / name, user=MAIL_OWNER)
    (directory / "public").mkdir(mode=0o710)
    shutil.chown(directory / "public", user=MAIL_OWNER)
