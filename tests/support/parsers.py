"""What three parsers of different authors and languages read in a letter."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A letter as a parser understood it.

    Attributes:
        structure: content types, the whole before its parts.
        subject, sender, recipient: decoded; the addresses without names.
        bodies: of the parts, decoded, lines ended by LF.
    """

    structure: Sequence[str]
    subject: str
    sender: str
    recipient: str
    bodies: Sequence[str]


def python_reads(octets: bytes) -> Reading:
    """`email` of Python's standard library; a defect is an error."""
    message = message_from_bytes(octets, policy=policy.default)
    parts = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
    assert not [defect for part in message.walk() for defect in part.defects]
    return Reading(
        structure=[part.get_content_type() for part in message.walk()],
        subject=str(message["Subject"]),
        sender=message["From"].addresses[0].addr_spec,
        # Python keeps bytes beyond ASCII as they are, for whoever knows what they mean.
        recipient=message["To"].addresses[0].addr_spec.encode(errors="surrogateescape").decode(),
        bodies=[part.get_content().replace("\r\n", "\n") for part in parts],
    )


def perl_reads(octets: bytes) -> Reading:
    """MIME-tools, of which amavis and MIMEDefang are made; a problem it notes is an error."""
    found = json.loads(_run("perl", "-e", _MIME_TOOLS, given=octets))
    assert found["problems"] == []
    return Reading(
        structure=found["structure"],
        subject=found["subject"].strip(),
        sender=_bare(found["from"]),
        recipient=_bare(found["to"]),
        bodies=[body.replace("\r\n", "\n") for body in found["bodies"]],
    )


_MIME_TOOLS = r"""
use MIME::Parser; use JSON::PP; use Encode;
binmode STDIN;
my $parser = MIME::Parser->new; $parser->output_to_core(1); $parser->tmp_to_core(1);
my $whole = $parser->parse(\*STDIN);
my $word = sub { my $value = $whole->head->get($_[0]);
    $value =~ /=\?/ ? decode("MIME-Header", $value) : decode("UTF-8", $value) };
print JSON::PP->new->ascii->encode({
    structure => [map { $_->mime_type } $whole, $whole->parts],
    subject => $word->("Subject"), from => $word->("From"), to => $word->("To"),
    bodies => [map { decode($_->head->mime_attr("content-type.charset"), $_->bodyhandle->as_string) } $whole->parts],
    problems => [$parser->results->msgs],
});
"""


def mblaze_reads(octets: bytes, scratch: Path) -> Reading:
    """mblaze, tools in C."""
    file = scratch / "letter.eml"
    file.write_bytes(octets)
    tree = _run("mshow", "-t", str(file)).splitlines()[1:]
    return Reading(
        structure=[line.split()[1] for line in tree],
        subject=_run("mhdr", "-d", "-h", "subject", str(file)).strip(),
        sender=_run("maddr", "-a", "-h", "from", str(file)).strip(),
        recipient=_run("maddr", "-a", "-h", "to", str(file)).strip(),
        bodies=[
            _run("mshow", "-O", str(file), str(number)).replace("\r\n", "\n")
            for number in range(2, len(tree) + 1)
        ],
    )


def _bare(address: str) -> str:
    return address.strip().rpartition("<")[2].removesuffix(">")


def _run(*command: str, given: bytes = b"") -> str:
    done = subprocess.run(command, input=given, capture_output=True, check=True, timeout=30)
    assert done.stderr == b"", done.stderr
    return done.stdout.decode("utf-8")
