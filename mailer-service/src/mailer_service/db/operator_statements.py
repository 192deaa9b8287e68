"""The statements of what operators' commands changed."""

from __future__ import annotations

from sqlalchemy import text

NOTE = text(
    "INSERT INTO operator_actions (actor, action, detail) VALUES (:actor, :action, CAST(:detail AS jsonb))"
)
"""Notes what a command did, as a whole."""

NOTES = text("SELECT at, actor, action, detail FROM operator_actions ORDER BY id DESC LIMIT :at_most")
