#!/bin/sh
# `/mailpit` serves, `/mailpit readyz` tells whether it does, as Mailpit's own binary.
set -eu
if [ "${1:-}" = readyz ]; then
    exec python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8025/healthz', timeout=5)"
fi
exec dev-inbox --smtp 0.0.0.0:1025 --http 0.0.0.0:8025
