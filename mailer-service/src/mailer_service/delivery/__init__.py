"""One attempt at one letter: its rules, its ledger, its outcome."""
