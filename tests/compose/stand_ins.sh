#!/bin/bash
# Builds images that stand in for the official ones, from Debian's packages alone, for machines that reach those but no
# image registry: Debian 13's, but RabbitMQ from unstable, which has 4.3. Run as root on Debian with Docker:
#
#     tests/compose/stand_ins.sh [--fresh]
#
# The official names stay untouched: the images are called postern-stand-in/…, and docker-compose.yml takes them by
# the variables that this script prints last. `--fresh` makes the Debians anew instead of using those there.
#
# The stand-in for Mailpit is the project's own development inbox on Mailpit's ports. Its JSON API is another one,
# which is enough for a journey: the services speak only SMTP to it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
scratch=$(mktemp --directory)
trap 'rm -rf --one-file-system "$scratch"' EXIT

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

base() { # base SUITE: a Debian as an image
    local image=postern-stand-in/debian:$1
    if [ "$fresh" = yes ] || ! docker image inspect "$image" >/dev/null 2>&1; then
        say "Debian $1, minimal"
        "$root/tests/minimal_debian.sh" "$1" "$scratch/$1"
        tar --directory "$scratch/$1" --exclude='./dev/*' --create . | docker import - "$image" >&2
    fi
}

build() { # build NAME TAG: from stand_ins/NAME and whatever was put beside it in the scratch directory
    say "postern-stand-in/$1:$2"
    mkdir -p "$scratch/$1"
    cp -r "$here/stand_ins/$1/." "$scratch/$1"
    docker build --tag "postern-stand-in/$1:$2" "$scratch/$1" >"$scratch/$1.log" 2>&1 || {
        cat "$scratch/$1.log" >&2
        return 1
    }
}

fresh=no
if [ "${1:-}" = --fresh ]; then fresh=yes; fi
base trixie
base sid

mkdir -p "$scratch/python" "$scratch/mailpit"
cp --dereference /etc/ssl/certs/ca-certificates.crt "$scratch/python/"
# The versions that the project pins, without the hashes: a list of constraints cannot have those.
sed --expression '/--hash/d' --expression 's/ *\\$//' "$root/requirements/dev.txt" >"$scratch/mailpit/constraints.txt"
cp -r "$root/shared" "$scratch/mailpit/shared"
cp -r "$root/deploy/local" "$scratch/mailpit/local"

build python 3.13
build rabbitmq 4.3
build postgres 17
build mailpit v1

cat <<'END'
export POSTERN_PYTHON_IMAGE=postern-stand-in/python:3.13
export POSTERN_RABBITMQ_IMAGE=postern-stand-in/rabbitmq:4.3
export POSTERN_POSTGRES_IMAGE=postern-stand-in/postgres:17
export POSTERN_MAILPIT_IMAGE=postern-stand-in/mailpit:v1
END
