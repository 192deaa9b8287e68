"""The database `mailer`: tables, engine, migrations, and the sign of life of a replica."""
