"""Passwords and secrets: the only place where either is made, hashed or compared."""
