#!/bin/sh
# Changes how many replicas of a service run in the Compose stack, now and at every later start:
#     deploy/compose/scale.sh mailer=4 api=3
# Mailers are containers of their own: those that stay are not touched. The API's replicas are processes behind its one
# port, so its container is replaced: what it has begun is answered, and for some seconds nothing new is taken.
# The numbers are kept in .env beside docker-compose.yml, which Compose reads by itself.
set -eu

cd "$(dirname "$0")/../.."
POSTERN_COMPOSE_STATE=${POSTERN_COMPOSE_STATE:-$PWD/.postern/compose}
export POSTERN_COMPOSE_STATE
settings=${COMPOSE_ENV_FILES:-.env}

usage() {
    echo "usage: scale.sh mailer=NUMBER api=NUMBER (either or both; numbers from 1, mailers also 0)" >&2
    exit 2
}

remember() { # remember NAME VALUE: the line of NAME becomes this one, every other line stays
    touch "$settings"
    grep -v "^$1=" "$settings" >"$settings.new" || true
    echo "$1=$2" >>"$settings.new"
    mv -f "$settings.new" "$settings"
}

[ $# -gt 0 ] || usage
for asked in "$@"; do
    case $asked in
        mailer=0 | mailer=[1-9] | mailer=[1-9][0-9] | api=[1-9] | api=[1-9][0-9]) ;;
        *) usage ;;
    esac
done
if [ -z "$(docker compose ps --quiet --status running mailer 2>/dev/null)" ]; then
    echo "No stack is running: start one with \`make run\` or \`make up\`." >&2
    exit 1
fi
for asked in "$@"; do
    service=${asked%%=*}
    number=${asked#*=}
    case $service in
        mailer)
            docker compose up --detach --wait --no-recreate --no-deps --scale "mailer=$number" mailer
            remember POSTERN_MAILER_REPLICAS "$number"
            ;;
        api)
            AUTH_API_WORKERS=$number docker compose up --detach --wait --no-deps api
            remember AUTH_API_WORKERS "$number"
            ;;
    esac
done
