"""The account gate: people register, confirm their address, sign in and reset a password; what emails that causes goes to the outbox."""
