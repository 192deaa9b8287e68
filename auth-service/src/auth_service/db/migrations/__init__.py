"""Alembic's scripts: expand first, contract in a later release, so that two releases can run side by side."""
