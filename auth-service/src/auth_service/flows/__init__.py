"""② One intention of a person per file; each owns its transaction."""
