"""Step 6 of the journey: from a letter's context to subject, text and HTML in the reader's language."""
