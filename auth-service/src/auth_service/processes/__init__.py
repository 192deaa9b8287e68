"""The processes of auth-service: one file each, a few lines that wire and run."""
