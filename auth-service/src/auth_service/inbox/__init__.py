"""⑨ What became of each letter: the mailer's reports, taken from their queue into the database."""
