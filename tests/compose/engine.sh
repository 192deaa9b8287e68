#!/bin/sh
# Brings Docker's engine and its Compose plugin where they are missing: as root, on Debian. Debian 12 has no Compose plugin;
# that of Debian 13 is one file and works there.
set -eu

cd "$(dirname "$0")/../.."
deploy/local/packages.sh compose
if ! docker compose version >/dev/null 2>&1; then
    echo "fetching the Compose plugin"
    scratch=$(mktemp -d)
    tests/minimal_debian.sh trixie "$scratch/debian" docker-compose
    install -D --mode 0755 "$scratch/debian/usr/libexec/docker/cli-plugins/docker-compose" \
        "${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins/docker-compose"
    rm -rf --one-file-system "$scratch"
fi
