"""The metadata table of documents."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["text_document"]

text_document = Table(
    "text_document",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("name", String(300), nullable=False),
    Column("title", String(300), nullable=False),
    Column("form", String(20), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("sentences", Integer, nullable=False),
    Column("grade", String(4), nullable=False),
    Column("label", String(60), nullable=False),
    Column("words", JsonDocument, nullable=False),
    Column("signature", JsonDocument, nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("retired", Boolean, nullable=False),
    Index("ix_text_document_org", "org_id", "retired", "at"),
)
