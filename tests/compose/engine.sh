#!/bin/sh
# Brings Docker's engine and its Compose plugin where they are missing: as root, on Debian. Debian 12 has no Compose plugin;
# that of Debian 13 is one file and works there.
set -eu

cd "$(dirname "$0")/../.."
if ! command -v dockerd >/dev/null; then
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || {
        echo "Docker's engine is missing: install docker.io, or Docker's own packages." >&2
        exit 2
    }
    echo "installing docker.io"
    # A package's scripts ask this file before they start a service; 101 means "not allowed".
    policy=/usr/sbin/policy-rc.d
    [ ! -e "$policy" ] || mv "$policy" "$policy.before-postern"
    trap 'if [ -e "$policy.before-postern" ]; then mv -f "$policy.before-postern" "$policy"; else rm -f "$policy"; fi' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends docker.io iptables
fi
if ! docker compose version >/dev/null 2>&1; then
    echo "fetching the Compose plugin"
    scratch=$(mktemp -d)
    tests/minimal_debian.sh trixie "$scratch/debian" docker-compose
    install -D --mode 0755 "$scratch/debian/usr/libexec/docker/cli-plugins/docker-compose" \
        "${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins/docker-compose"
    rm -rf --one-file-system "$scratch"
fi
