"""The versions of the mailer's database, applied in order by `mailer-service migrate`."""
