"""The metadata tables of drafts of a work plan."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Integer, String, Table, Text

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["plan_draft", "plan_draft_line"]

plan_draft = Table(
    "plan_draft",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False, index=True),
    Column("document_id", String(40), nullable=False),
    Column("document", String(300), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("grade", String(4), nullable=False),
    Column("plan", String(40), nullable=False),
    Column("since", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("state", String(10), nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("ended_by", String(200), nullable=False),
    Column("ended_at", UtcDateTime),
)

plan_draft_line = Table(
    "plan_draft_line",
    metadata,
    Column("draft_id", String(40), ForeignKey("plan_draft.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("verdict", String(10), nullable=False),
    Column("said", JsonDocument, nullable=False),
    Column("found", JsonDocument, nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime),
    Column("note", Text, nullable=False),
)
