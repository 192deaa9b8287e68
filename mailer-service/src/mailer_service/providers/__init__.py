"""Which mail server gets the next letter, and how many: order, breakers, budgets that all replicas share, slow domains."""
