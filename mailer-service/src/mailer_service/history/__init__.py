"""What became of a letter, read back from the ledger for people."""
