"""Step 5 of the journey: a task is only a door. It reads the message, has it delivered and obeys the outcome."""
