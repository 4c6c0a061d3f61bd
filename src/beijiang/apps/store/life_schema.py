"""The metadata tables of versions on trial, of how versions answer, and of ratings."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text, UniqueConstraint

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["hosted_answer", "hosted_canary", "hosted_rating"]

hosted_canary = Table(
    "hosted_canary",
    metadata,
    Column("app_id", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("names", JsonDocument, nullable=False),
    Column("people", JsonDocument, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("salt", String(64), nullable=False),
    Column("by_id", String(60), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

hosted_answer = Table(
    "hosted_answer",
    metadata,
    Column("app_id", String(40), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("hour", String(13), primary_key=True),
    Column("bound", Integer, primary_key=True),
    Column("answers", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
)

hosted_rating = Table(
    "hosted_rating",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("app_id", String(40), nullable=False),
    Column("person_id", String(60), nullable=False),
    Column("stars", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("answer", Text, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("hidden", Text, nullable=False),
    UniqueConstraint("app_id", "person_id"),
)
