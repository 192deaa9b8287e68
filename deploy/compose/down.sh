#!/bin/sh
# `make down`: stops the Compose stack in order and removes its containers; data and secrets stay for the next start.
# With --volumes the data goes too. Arguments go to `docker compose down`.
set -eu

cd "$(dirname "$0")/../.."
exec docker compose down --remove-orphans "$@"
