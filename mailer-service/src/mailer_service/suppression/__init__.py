"""Recipients and domains that get no letters, known by keyed hashes only."""
