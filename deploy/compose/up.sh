#!/bin/sh
# `make up`: builds the images, makes the secrets that are missing, starts the Compose stack and waits until it is
# healthy. Arguments go to `docker compose up`. See docs/compose.md.
set -eu

cd "$(dirname "$0")/../.."
project=${COMPOSE_PROJECT_NAME:-postern}
POSTERN_COMPOSE_STATE=${POSTERN_COMPOSE_STATE:-$PWD/.postern/compose}
export POSTERN_COMPOSE_STATE
secrets=$POSTERN_COMPOSE_STATE/secrets

if ! docker compose version >/dev/null 2>&1; then
    echo "Docker with the Compose plugin (docker compose) is needed." >&2
    exit 1
fi
if [ ! -d "$secrets" ] && [ -n "$(docker volume ls --quiet --filter "label=com.docker.compose.project=$project")" ]; then
    echo "There is data of an earlier stack, but its secrets ($secrets) are gone." >&2
    echo "Put them back, or remove the data: deploy/compose/down.sh --volumes" >&2
    exit 1
fi

digest() { find "$secrets" -type f -exec cksum {} + 2>/dev/null | sort; }

echo "building the images"
# One service of each image: built for every service that runs it, it would leave as many untagged copies.
docker compose build --quiet api mailer topology
echo "making the secrets that are missing, in $secrets"
before=$(digest)
deploy/compose/secrets.sh "$secrets"
# Compose does not notice that the content of a secret is another; a process reads it once, at its start.
[ "$before" = "$(digest)" ] || set -- --force-recreate "$@"
echo "starting"
docker compose up --detach --wait --remove-orphans "$@"

# What the person has set to off; Compose itself says nothing of it.
off=$(env | sed -n -e "s/^\(AUTH_LIMIT_[A-Z_]*\)=off\$/\1/p" -e "s/^\(AUTH_CAMPAIGN\)=off\$/\1/p" | sort | tr "\\n" " ")

address() { docker compose port "$1" "$2" 2>/dev/null || echo '(not published)'; }
cat <<END

  API, pages    http://$(address api 8000)/signup
  API docs      http://$(address api 8000)/docs
  inbox         http://$(address inbox 8025)
  RabbitMQ      http://$(address rabbitmq 15672)     user postern-admin, password in $secrets/rabbitmq_admin_password
  Flower        http://$(address flower 5555)     user operator, password in $secrets/flower_password

  logs: docker compose logs --follow    replicas: deploy/compose/scale.sh mailer=4    stop: make down
END
[ -z "$off" ] || printf '  off: %s(anybody may register as much as they like; docs/protection.md)\n\n' "$off"
