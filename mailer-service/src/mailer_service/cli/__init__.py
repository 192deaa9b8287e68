"""One short file a process, behind the command line `mailer-service`."""
