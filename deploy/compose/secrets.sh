#!/bin/sh
# Makes the secrets of the Compose stack, each in a file of its own. What is there stays, so running it again changes
# nothing; a password whose file was removed is made anew, and with it the addresses that contain it.
# Usage: deploy/compose/secrets.sh DIRECTORY
#
# Compose mounts each file as it is on the host, and the processes in the containers are users that the host does not
# know. So all may read the files, and only the owner may enter the directory they are in: on the host nobody else gets
# to them, and a container has no more of them than it was given.
set -eu

directory=${1:?usage: secrets.sh DIRECTORY}
umask 077
mkdir -p "$directory"
chmod 0700 "$directory"
cd "$directory"

write() { # write NAME CONTENT: as a whole or not at all, and only what differs
    if [ "$(cat "$1" 2>/dev/null || true)" != "$2" ]; then
        printf '%s\n' "$2" >"$1.new"
        chmod 0444 "$1.new"
        mv -f "$1.new" "$1"
    fi
}

password() { # password NAME: prints it; 192 random bits in hexadecimal, which no URL and no quoting can hurt
    [ -s "$1" ] || write "$1" "$(head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
    case $(LC_ALL=C tr -d 'A-Za-z0-9._~\n-' <"$1" | od -An -v -tx1) in
        "") cat "$1" ;;
        *)
            echo "$directory/$1: only ASCII letters, digits and . _ ~ - can go into addresses and configuration files" >&2
            exit 1
            ;;
    esac
}

keys() { # keys DIRECTORY COMMAND IMAGE LAST: the set that the service's own command makes, complete or not at all
    # An older release made a set without LAST: it gets what is missing, and keeps what is there.
    if [ ! -s "$1/$4" ]; then
        rm -rf "$1.new" "$1.old"
        mkdir -p "$1" "$1.new"
        # They enter and leave the container as an archive, so that no directory has to belong to a user of both sides.
        tar -C "$1" -cf - . |
            docker run --rm --interactive --network none --read-only --tmpfs /tmp --cap-drop ALL \
                --security-opt no-new-privileges --entrypoint sh "$3" \
                -c "d=\$(mktemp -d) && tar -C \$d -xof - && $2 keys --directory \$d >/dev/null && tar -C \$d -cf - ." |
            tar -C "$1.new" -xof -
        chmod 0700 "$1.new"
        chmod 0444 "$1.new"/*
        mv "$1" "$1.old"
        mv "$1.new" "$1"
        rm -rf "$1.old"
    fi
}

password postgres_password >/dev/null
migrator=$(password migrator_database_password)
auth_database=$(password auth_database_password)
mailer_database=$(password mailer_database_password)
rabbitmq_admin=$(password rabbitmq_admin_password)
auth_broker=$(password auth_broker_password)
mailer_broker=$(password mailer_broker_password)
operator_broker=$(password operator_broker_password)
flower_broker=$(password flower_broker_password)
password viewer_broker_password >/dev/null
flower=$(password flower_password)
password flower_cookie_secret >/dev/null
password mailer_hash_key >/dev/null

write rabbitmq_admin.conf "default_user = postern-admin
default_pass = $rabbitmq_admin"
write broker_admin_url "http://postern-admin:$rabbitmq_admin@rabbitmq:15672"
write auth_broker_url "amqp://auth:$auth_broker@rabbitmq:5672/postern"
write mailer_broker_url "amqp://mailer:$mailer_broker@rabbitmq:5672/postern"
write operator_broker_url "amqp://operator:$operator_broker@rabbitmq:5672/postern"
write flower_broker_url "amqp://flower:$flower_broker@rabbitmq:5672/postern"
write flower_login "operator:$flower"
write auth_database_url "postgresql://auth:$auth_database@postgres:5432/auth"
write auth_migration_database_url "postgresql://migrator:$migrator@postgres:5432/auth"
write mailer_database_url "postgresql://mailer:$mailer_database@postgres:5432/mailer"
write mailer_migration_database_url "postgresql://migrator:$migrator@postgres:5432/mailer"
if [ ! -e dkim_keys ]; then # letters are unsigned until somebody puts keys here
    : >dkim_keys
    chmod 0444 dkim_keys
fi
if [ -n "${MAILER_SMTP_URL:-}" ] || [ ! -s mailer_smtp_url ]; then
    write mailer_smtp_url "${MAILER_SMTP_URL:-smtp://inbox:1025}"
fi

keys auth-keys auth-service "${POSTERN_AUTH_IMAGE:-postern/auth-service:local}" tokens.private.json
keys mailer-keys mailer-service "${POSTERN_MAILER_IMAGE:-postern/mailer-service:local}" sealing.private.json
