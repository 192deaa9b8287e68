"""The commands of auth-service, its processes included: one file each, a few lines that wire and run."""
