#!/bin/sh
# The one-shot job `roles`: applies deploy/postgres/roles.sql with the passwords from the mounted secrets. It is applied
# at every start rather than when the cluster is made, so that new passwords reach a database that is already there.
set -eu

secret() { cat "/run/secrets/$1"; }

POSTERN_MIGRATOR_DATABASE_PASSWORD=$(secret migrator_database_password)
POSTERN_AUTH_DATABASE_PASSWORD=$(secret auth_database_password)
POSTERN_MAILER_DATABASE_PASSWORD=$(secret mailer_database_password)
export POSTERN_MIGRATOR_DATABASE_PASSWORD POSTERN_AUTH_DATABASE_PASSWORD POSTERN_MAILER_DATABASE_PASSWORD
PGPASSWORD=$(secret postgres_password)
export PGPASSWORD
exec psql --no-psqlrc --quiet --host postgres --username postgres --dbname postgres --file /etc/postern/roles.sql
