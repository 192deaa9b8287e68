#!/bin/sh
# Changes the number of a service's replicas in the running Compose stack: deploy/compose/scale.sh mailer=4
set -eu

cd "$(dirname "$0")/../.."
replicas=${1:?usage: scale.sh SERVICE=NUMBER}
exec docker compose up --detach --wait --no-recreate --no-deps --scale "$replicas" "${replicas%%=*}"
