#!/bin/sh
# Says what is missing of the secrets that data depends on, before anything starts: letters that wait are sealed and signed
# with the keys, and what is remembered of mailboxes is hashed with them. Passwords may be missing; they are made anew.
# Usage: deploy/compose/whole.sh DIRECTORY
set -eu

directory=${1:?usage: whole.sh DIRECTORY}
if [ ! -d "$directory" ]; then
    echo "There is data of an earlier stack, but its secrets ($directory) are gone." >&2
    echo "Put them back, or remove the data: deploy/compose/down.sh --volumes" >&2
    exit 1
fi
missing=
for file in mailer_hash_key auth-keys/signing.private.json auth-keys/signing.public.json auth-keys/hash.key \
    mailer-keys/sealing.private.json mailer-keys/sealing.public.json; do
    [ -s "$directory/$file" ] || missing="$missing $file"
done
if [ -n "$missing" ]; then
    echo "There is data of an earlier stack, but of its keys in $directory are missing:$missing" >&2
    echo "Letters that wait can be opened with the old keys only. Put the files back, or remove the data:" >&2
    echo "deploy/compose/down.sh --volumes" >&2
    exit 1
fi
