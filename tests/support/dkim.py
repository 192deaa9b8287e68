"""Signed letters, and the tools of others that say whether the signatures hold."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache

from mailer_service.letters.compose import Sender
from mailer_service.letters.dkim import Signer
from mailer_service.letters.dkim_keys import Algorithm, DkimKeys, generate_dkim_keys
from support.apart import letter_files, run_apart
from support.outgoing import SENDER

DOMAIN = SENDER.mailbox.domain
BOTH = tuple(Algorithm)


@cache
def keys_as_text() -> str:
    """PEM with a key of each algorithm, the same in all tests of a process."""
    return generate_dkim_keys(date(2026, 3, 1))


def keys(*algorithms: Algorithm) -> DkimKeys:
    """Those keys of it."""
    return DkimKeys([key for key in DkimKeys.from_pem(keys_as_text()).keys if key.algorithm in algorithms])


def signing(*algorithms: Algorithm) -> Sender:
    """A sender whose letters are signed."""
    return replace(SENDER, signer=Signer(keys(*algorithms), domain=DOMAIN))


def records(found: DkimKeys) -> Mapping[str, str]:
    """What the DNS says of these keys."""
    return {f"{key.selector}._domainkey.{DOMAIN}": key.record() for key in found.keys}


def opendkim_says(letters: Iterable[bytes], known: Mapping[str, str]) -> list[str]:
    """What `opendkim-testmsg` complains of, a line a letter; empty if it is signed as it should be."""
    return _judge(letters, known, "opendkim-testmsg -C 2>&1")


def mail_dkim_says(letters: Iterable[bytes], known: Mapping[str, str]) -> list[str]:
    """What Perl's Mail::DKIM makes of a letter's signatures, such as `rsa-sha256 pass`; it knows no Ed25519."""
    return _judge(letters, known, f"perl -MMail::DKIM::Verifier -e '{_EACH_SIGNATURE}'")


_EACH_SIGNATURE = """
binmode STDIN;
local $/;
my $verifier = Mail::DKIM::Verifier->new();
$verifier->PRINT(<STDIN>);
$verifier->CLOSE;
print $_->algorithm, " ", $_->result for $verifier->signatures;
"""


def _judge(letters: Iterable[bytes], known: Mapping[str, str], judge: str) -> list[str]:
    """A line of each letter's judge, who asks a DNS that knows these TXT records and nothing else."""
    with letter_files({str(number): octets for number, octets in enumerate(letters)}) as files:
        for_each = f'for file; do printf "%s\\n" "$({judge} <"$file" | tr "\\n" " ")"; done'
        said = run_apart(known, "sh", "-c", for_each, "sh", *map(str, files))
    return [line.strip() for line in said.splitlines()]
