"""The mailer: takes letters from the broker, sends each once by SMTP, and reports what became of it."""
