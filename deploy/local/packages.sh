#!/bin/sh
# Makes sure that the system packages of the native stack are there. Runs before the virtual environment is complete,
# hence a shell script.
#
#   packages.sh run     what `make run` needs: RabbitMQ, PostgreSQL
#   packages.sh monitoring   what `make run MONITORING=1` needs on top: Prometheus
#   packages.sh test    what `make test` and `make slow` need on top: Chromium, Postfix, PgBouncer, Prometheus, libfaketime, what parts hosts, what
#                       others look at letters with, and Node for clients that are not ours
#   packages.sh compose what `make test-compose` needs on top: Docker's engine
#
# As root with apt it installs what is missing, without letting a package start a system service: the stack runs servers
# of its own. Otherwise it says what to install. Exit code 2: something is missing and was not installed.
set -eu

purpose=${1:-run}
missing=""

lack() { missing="$missing $1"; }

need() { # package, then a path pattern that shows it is there
    package=$1
    shift
    for pattern in "$@"; do
        for found in $pattern; do
            [ -e "$found" ] && return 0
        done
    done
    lack "$package"
}

need rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server
need postgresql "/usr/lib/postgresql/*/bin/initdb"
need util-linux /usr/bin/setpriv
if [ "$purpose" = monitoring ]; then
    need prometheus /usr/bin/prometheus
fi
if [ "$purpose" = test ]; then
    need chromium /usr/bin/chromium /usr/bin/chromium-browser
    need postfix /usr/sbin/postfix
    need opendkim-tools /usr/sbin/opendkim-testmsg /usr/bin/opendkim-testmsg
    need spamassassin /usr/bin/spamassassin
    need rspamd /usr/bin/rspamd
    need libmail-dkim-perl /usr/share/perl5/Mail/DKIM/Verifier.pm
    need libmime-tools-perl /usr/share/perl5/MIME/Parser.pm
    need mblaze /usr/bin/mshow
    need pgbouncer /usr/sbin/pgbouncer
    need prometheus /usr/bin/promtool
    need faketime "/usr/lib/*/faketime/libfaketimeMT.so.1"
    need iproute2 /usr/sbin/ip /sbin/ip
    need nodejs /usr/bin/node /usr/local/bin/node
    need npm /usr/bin/npm /usr/local/bin/npm
    need iptables /usr/sbin/iptables /sbin/iptables
fi
if [ "$purpose" = compose ]; then
    need docker.io /usr/sbin/dockerd /usr/bin/dockerd
    need iptables /usr/sbin/iptables /sbin/iptables
fi
# Debian keeps the part of the standard library that makes virtual environments in a package of its own.
python=$(command -v "${PYTHON:-python3}" || true)
case $python in
    "") lack python3 && lack python3-venv ;;
    *) "$python" -c 'import ensurepip' 2>/dev/null || lack python3-venv ;;
esac
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    {
        echo "postern: these system packages are missing:$missing"
        if command -v apt-get >/dev/null 2>&1; then
            echo "Install them as root (apt-get install$missing) and stop the services they start,"
            echo "or run this once as root, which installs them without starting anything."
        else
            echo "The native stack is for Debian and its relatives."
        fi
        echo "With Docker there is another way that needs none of them: make up"
    } >&2
    exit 2
fi

# A package's scripts ask this file before they start a service; 101 means "not allowed".
policy=/usr/sbin/policy-rc.d
kept=""
restore() {
    if [ -n "$kept" ]; then mv -f "$kept" "$policy"; else rm -f "$policy"; fi
}
if [ -e "$policy" ]; then
    kept="$policy.before-postern"
    mv "$policy" "$kept"
fi
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

echo "installing system packages:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086  # a list of words
apt-get install -y -q --no-install-recommends $missing
