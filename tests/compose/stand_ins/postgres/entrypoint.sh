#!/bin/bash
# The part of the official entrypoint that our configuration relies on: a first start makes the cluster, with the
# superuser's password from POSTGRES_PASSWORD_FILE, and runs /docker-entrypoint-initdb.d against a server that
# listens on its socket only; every start runs as the user `postgres`.
set -euo pipefail

if [ "$1" != postgres ]; then
    exec "$@"
fi
if [ "$(id -u)" = 0 ]; then
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
mkdir -p "$PGDATA"
chmod 0700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    password=${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE:?neither POSTGRES_PASSWORD nor POSTGRES_PASSWORD_FILE is set}")}
    initdb --username=postgres --pwfile=<(printf '%s\n' "$password") >/dev/null
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start
    for script in /docker-entrypoint-initdb.d/*; do
        case "$script" in
            *.sh) "$script" ;;
            *.sql) psql --username=postgres --set=ON_ERROR_STOP=1 --file="$script" ;;
        esac
    done
    pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
fi
exec "$@"
