#!/bin/bash
# Behaves as the official entrypoint where our configuration can tell the difference: it steps down from root and
# refuses the variables that the official image refuses.
set -euo pipefail

for refused in RABBITMQ_DEFAULT_PASS_FILE RABBITMQ_DEFAULT_USER_FILE RABBITMQ_VM_MEMORY_HIGH_WATERMARK; do
    if [ -n "${!refused:-}" ]; then
        echo "error: $refused is set but deprecated; use a configuration file" >&2
        exit 1
    fi
done
if [ "$(id -u)" = 0 ]; then
    chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
    exec setpriv --reuid rabbitmq --regid rabbitmq --init-groups "$0" "$@"
fi
exec "$@"
