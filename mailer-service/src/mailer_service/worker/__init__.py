"""The worker: takes messages from the broker and makes one attempt at each letter."""
