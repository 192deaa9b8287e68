-- Roles, databases and rights: who may log in where, and do what there. For every deployment:
-- the native stack, Docker Compose and the tests run this same file, as a superuser, with psql.
--
-- Passwords come from the environment: POSTERN_MIGRATOR_DATABASE_PASSWORD, POSTERN_AUTH_DATABASE_PASSWORD,
-- POSTERN_MAILER_DATABASE_PASSWORD (or from psql variables of the names used below). Running it again sets the
-- passwords anew and changes nothing else.

\set ON_ERROR_STOP on
\if :{?migrator_password}
\else
    \getenv migrator_password POSTERN_MIGRATOR_DATABASE_PASSWORD
\endif
\if :{?auth_password}
\else
    \getenv auth_password POSTERN_AUTH_DATABASE_PASSWORD
\endif
\if :{?mailer_password}
\else
    \getenv mailer_password POSTERN_MAILER_DATABASE_PASSWORD
\endif

SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['migrator', 'auth', 'mailer']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE migrator WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'migrator_password';
ALTER ROLE auth     WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'auth_password';
ALTER ROLE mailer   WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'mailer_password';

-- What goes wrong in their sessions leaves neither rows nor statements in the server's log, whatever the server's own
-- settings are: addresses and password hashes travel in both. (Terse: without DETAIL, which quotes the row.) The server
-- itself says a killed session's statement; only its own log_error_verbosity = terse prevents that.
SELECT format('ALTER ROLE %I SET %I = %L', role, setting, value)
FROM unnest(ARRAY['migrator', 'auth', 'mailer']) AS role,
     (VALUES ('log_error_verbosity', 'terse'),
             ('log_min_error_statement', 'panic'),
             ('log_parameter_max_length', '0'),
             ('log_parameter_max_length_on_error', '0'),
             ('log_statement', 'none'),
             ('log_min_duration_statement', '-1'),
             ('log_min_duration_sample', '-1'),
             ('log_transaction_sample_rate', '0'),
             ('log_lock_waits', 'off')) AS silent (setting, value)
\gexec

SELECT format('CREATE DATABASE %I OWNER migrator', name)
FROM unnest(ARRAY['auth', 'mailer']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec

-- A service may enter its own database only; the migrator owns both.
REVOKE ALL ON DATABASE auth, mailer FROM PUBLIC;
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE auth TO auth;
GRANT CONNECT ON DATABASE mailer TO mailer;

-- Inside, a service reads and writes rows; tables are made and changed by the migrator alone. Every migration ends by
-- taking from the service what its statements on a table do not need (db/migrate.py of each).
\connect auth
ALTER SCHEMA public OWNER TO migrator;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO auth;
ALTER DEFAULT PRIVILEGES FOR ROLE migrator IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO auth;
ALTER DEFAULT PRIVILEGES FOR ROLE migrator IN SCHEMA public GRANT USAGE ON SEQUENCES TO auth;

\connect mailer
ALTER SCHEMA public OWNER TO migrator;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO mailer;
ALTER DEFAULT PRIVILEGES FOR ROLE migrator IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO mailer;
ALTER DEFAULT PRIVILEGES FOR ROLE migrator IN SCHEMA public GRANT USAGE ON SEQUENCES TO mailer;
