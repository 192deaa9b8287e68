"""Scheduled work: what nobody needs any more is deleted, a little at a time."""
