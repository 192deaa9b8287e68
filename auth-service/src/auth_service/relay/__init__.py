"""④ From the outbox to the broker: claim, publish, wait for the confirm, settle."""
