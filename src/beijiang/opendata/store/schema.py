"""The metadata tables of the portal."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = [
    "portal_city",
    "portal_favourite",
    "portal_rating",
    "portal_registration",
    "portal_support",
    "portal_voice",
    "portal_work",
    "portal_work_set",
]

portal_registration = Table(
    "portal_registration",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("login", String(40), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("standing", String(20), nullable=False),
    Column("credit_code", String(18), nullable=False, server_default=""),
    Column("words", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("clock", JsonDocument),
    Column("urged", Integer, nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", String(60), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
)

portal_voice = Table(
    "portal_voice",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("dataset_id", String(40), nullable=False, index=True),
    Column("dataset_title", String(300), nullable=False),
    Column("org_id", String(60), nullable=False, index=True),
    Column("title", String(200), nullable=False),
    Column("words", Text, nullable=False),
    Column("by", String(60), nullable=False, index=True),
    Column("contact", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("outcome", String(20)),
    Column("answer", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("answered_by", String(60), nullable=False),
    Column("result_id", String(40), nullable=False),
    Column("ticket_id", String(40), nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("hidden_reason", Text, nullable=False),
    Column("clock", JsonDocument),
    Column("urged", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)

portal_support = Table(
    "portal_support",
    metadata,
    Column("voice_id", String(40), ForeignKey("portal_voice.id"), primary_key=True),
    Column("person_id", String(60), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

portal_favourite = Table(
    "portal_favourite",
    metadata,
    Column("person_id", String(60), primary_key=True),
    Column("dataset_id", String(40), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

portal_rating = Table(
    "portal_rating",
    metadata,
    Column("dataset_id", String(40), primary_key=True),
    Column("person_id", String(60), primary_key=True),
    Column("stars", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

portal_work = Table(
    "portal_work",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("title", String(200), nullable=False),
    Column("author", String(200), nullable=False),
    Column("words", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("by", String(60), nullable=False, index=True),
    Column("state", String(20), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
)

portal_work_set = Table(
    "portal_work_set",
    metadata,
    Column("work_id", String(40), ForeignKey("portal_work.id"), primary_key=True),
    Column("dataset_id", String(40), primary_key=True, index=True),
    Column("title", String(300), nullable=False),
)

portal_city = Table(
    "portal_city",
    metadata,
    Column("code", String(24), primary_key=True),
    Column("name_zh", String(60), nullable=False),
    Column("name_en", String(100), nullable=False),
    Column("header_mn", String(60), nullable=False),
    Column("region_code", String(6), nullable=False),
    Column("colour", String(7), nullable=False),
    Column("host", String(255), unique=True),
    Column("themes", JsonDocument, nullable=False),
    Column("contact", Text, nullable=False),
    Column("logo", LargeBinary),
    Column("logo_kind", String(4), nullable=False),
    Column("logo_digest", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
