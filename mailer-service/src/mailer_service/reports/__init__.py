"""Step 8 of the journey: tells auth-service what became of a letter."""
