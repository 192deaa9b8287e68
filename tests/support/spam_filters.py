"""Two spam filters as their authors ship them, asked on the spot."""

import json
import re
from collections.abc import Mapping

from support.apart import letter_files, run_apart

_SPAMASSASSIN = """
spamassassin --local --nocreate-prefs --prefs-file=/dev/null --cf='add_header all Points _TESTSSCORES_' "$@"
"""
_RSPAMD = r"""
set -eu
mkdir "$HOME/local.d"
cd "$HOME/local.d"
for worker in controller proxy; do echo "enabled = false; count = -1;" >"worker-$worker.inc"; done
echo 'count = 1; bind_socket = "127.0.0.1:11333";' >worker-normal.inc
# A list of all domains that there are and a compiler of patterns: both want half a minute to themselves.
printf 'org\nexample\n' >"$HOME/tlds"
printf 'disable_hyperscan = true; url_tld = "%s/tlds";\n' "$HOME" >options.inc
echo 'type = "console";' >logging.inc
rspamd --no-fork --insecure --var="LOCAL_CONFDIR=$HOME" --var="RUNDIR=$HOME" --var="DBDIR=$HOME" >"$HOME/log" 2>&1 &
ask() { rspamc --connect=127.0.0.1:11333 --json --ip=203.0.113.5 --helo=mail.postern.example \
    --hostname=mail.postern.example --from=no-reply@postern.example --rcpt=an@example.org "$@"; }
tries=0
until ask "$1" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { cat "$HOME/log"; exit 1; }
    sleep 0.1
done
for file; do ask <"$file" | tr -d '\n'; echo; done
"""


def spamassassin_finds(letters: Mapping[str, bytes]) -> dict[str, dict[str, float]]:
    """The rules that SpamAssassin finds broken in each letter, with their points; those that need no network."""
    with letter_files(letters) as files:
        said = run_apart({}, "sh", "-c", _SPAMASSASSIN, "sh", *map(str, files))
    reports = re.findall(r"^X-Spam-Points:((?:.*\n[ \t])*.*)$", said, flags=re.MULTILINE)
    assert len(reports) == len(letters), said
    return dict(zip(letters, map(_points, reports), strict=True))


def _points(report: str) -> dict[str, float]:
    words = re.sub(r"\s", "", report)
    pairs = (pair.partition("=") for pair in words.split(",") if "=" in pair)
    return {rule: float(points) for rule, _, points in pairs}


def rspamd_finds(letters: Mapping[str, bytes], records: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """The symbols that rspamd sets for each letter, with their points; all its modules, no network but that DNS."""
    with letter_files(letters) as files:
        said = run_apart(records, "sh", "-c", _RSPAMD, "sh", *map(str, files))
    verdicts = [json.loads(line) for line in said.splitlines()]
    return {
        name: {symbol: float(found["score"]) for symbol, found in verdict["symbols"].items()}
        for name, verdict in zip(letters, verdicts, strict=True)
    }
