"""What auth-service and mailer-service agree on, and nothing else: their only meeting place is the broker."""
