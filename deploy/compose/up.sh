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
if [ -n "$(docker volume ls --quiet --filter "label=com.docker.compose.project=$project")" ]; then
    deploy/compose/whole.sh "$secrets"
fi
deploy/compose/ports.sh

digests() { find "$secrets" -type f -exec cksum {} + 2>/dev/null | sort; }

# readers FILE: the services of which a container runs that has one of the files listed in FILE, one a line
readers() {
    docker ps --quiet --filter "label=com.docker.compose.project=$project" |
        xargs -r docker inspect --format \
            '{{$service := index .Config.Labels "com.docker.compose.service"}}{{range .Mounts}}{{$service}} {{.Source}}{{"\n"}}{{end}}' |
        awk 'NR == FNR {changed[$0]; next} {service = $1; sub(/^[^ ]+ /, ""); if ($0 in changed) print service}' "$1" - |
        sort -u
}

echo "building the images"
# One service of each image: built for every service that runs it, it would leave as many untagged copies.
docker compose build --quiet api mailer topology
echo "making the secrets that are missing, in $secrets"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
umask 077
mkdir -p "$POSTERN_COMPOSE_STATE"
# What the stack was last started with, so that a secret that a person wrote since is noticed as well.
applied=$POSTERN_COMPOSE_STATE/secrets.applied
[ -e "$applied" ] || digests >"$applied"
deploy/compose/secrets.sh "$secrets"
digests >"$scratch/after"
comm -13 "$applied" "$scratch/after" | sed -e 's/^[^ ]* [^ ]* //' >"$scratch/changed"
readers "$scratch/changed" >"$scratch/readers"
echo "starting"
docker compose up --detach --wait --remove-orphans "$@"
# Compose does not notice that the content of a secret is another; a process reads it once, at its start. The jobs ran
# above and have told the servers, so what reads it is started anew, and nothing else.
if [ -s "$scratch/readers" ]; then
    echo "starting anew what reads a changed secret: $(tr '\n' ' ' <"$scratch/readers")"
    xargs docker compose up --detach --wait --no-deps --force-recreate <"$scratch/readers"
fi
mv -f "$scratch/after" "$applied"

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
