#!/bin/bash
# Builds the stand-in images and walks the Compose stack made of them; `make test-compose`. As root, on Debian. Brings
# Docker's engine, its Compose plugin and debootstrap where they are missing, and runs an engine where none does; that one
# is stopped again.
set -euo pipefail

cd "$(dirname "$0")/../.."
state=$(mkdir -p "${POSTERN_STATE:-.postern}" && cd "${POSTERN_STATE:-.postern}" && pwd)
tests/compose/engine.sh

started=
stop() {
    if [ -n "$started" ]; then
        kill "$started" && wait "$started" || true
    fi
}
trap stop EXIT
if ! docker info >/dev/null 2>&1; then
    echo "starting a Docker engine of our own; its log is $state/dockerd.log"
    dockerd >"$state/dockerd.log" 2>&1 &
    started=$!
    for _ in $(seq 60); do
        docker info >/dev/null 2>&1 && break
        kill -0 "$started" 2>/dev/null || { tail -5 "$state/dockerd.log" >&2; exit 1; }
        sleep 0.5
    done
fi
tests/compose/stand_ins.sh "$@" >/dev/null
PYTHONPATH=tests "${VENV:-.venv}/bin/python" -m compose.journey
