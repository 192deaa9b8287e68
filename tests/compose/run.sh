#!/bin/bash
# Builds the stand-in images and walks the Compose stack made of them. As root, on Debian, with Docker running, its
# Compose plugin, debootstrap, and the repository's virtual environment.
set -euo pipefail

cd "$(dirname "$0")/../.."
tests/compose/stand_ins.sh "$@" >/dev/null
PYTHONPATH=tests exec .venv/bin/python -m compose.journey
