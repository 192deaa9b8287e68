#!/bin/sh
# Says which of the ports to be published somebody else has, before anything starts: Docker would find out when half of the
# stack runs. A port that one of our containers publishes already is ours.
set -eu

cd "$(dirname "$0")/../.."
settings=${COMPOSE_ENV_FILES:-.env}
ours=$(docker compose ps --format '{{.Ports}}' 2>/dev/null || true)
taken=
for published in POSTERN_API_PORT:8000 POSTERN_INBOX_PORT:8025 POSTERN_RABBITMQ_CONSOLE_PORT:15672 POSTERN_FLOWER_PORT:5555; do
    variable=${published%:*}
    port=$(printenv "$variable" || sed -n "s/^$variable=//p" "$settings" 2>/dev/null | tail -1)
    port=${port:-${published#*:}}
    case $ours in *"127.0.0.1:$port->"*) continue ;; esac
    # Nothing but a shell is needed to ask: bash opens the connection itself; where there is none, Docker will tell.
    if bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" 2>/dev/null; then
        taken="$taken
  127.0.0.1:$port   another one: $variable=$((port + 1000)) make up"
    fi
done
if [ -n "$taken" ]; then
    echo "Another program has these ports:$taken" >&2
    exit 1
fi
