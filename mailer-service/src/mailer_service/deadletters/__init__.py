"""Letters that will not be sent unless a person acts."""
