"""Step 7 of the journey: from a rendered letter to bytes, over a kept-alive connection, to a classified reply."""
