"""A mail server for development and tests: takes every letter, shows it in a browser, and can play a bad day.

It stands where the internet's mail servers stand in the journey: behind the mailer's SMTP attempt.
"""
