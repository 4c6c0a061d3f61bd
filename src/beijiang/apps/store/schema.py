"""The metadata tables of hosted applications."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, String, Table, Text

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["hosted_alert", "hosted_app", "hosted_job", "hosted_server", "hosted_usage", "hosted_version"]

hosted_app = Table(
    "hosted_app",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("name", JsonDocument, nullable=False),
    Column("purpose", JsonDocument, nullable=False),
    Column("current", Integer),
    Column("release", JsonDocument),
    Column("off", Boolean, nullable=False),
    Column("off_reason", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
)

hosted_version = Table(
    "hosted_version",
    metadata,
    Column("app_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("label", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("files", JsonDocument, nullable=False),
    Column("state", String(20), nullable=False),
    Column("checks", JsonDocument, nullable=False),
    Column("by_id", String(60), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("decided_by_id", String(60), nullable=False),
    Column("decided_by", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("released_by", String(200), nullable=False),
    Column("released_at", UtcDateTime),
)

hosted_job = Table(
    "hosted_job",
    metadata,
    Column("app_id", String(40), primary_key=True),
    Column("name", String(60), primary_key=True),
    Column("schedule", String(40), nullable=False),
    Column("next_at", UtcDateTime),
    Column("last_at", UtcDateTime),
    Column("rows", Integer),
    Column("seconds", Float),
    Column("raised", Boolean, nullable=False),
    Column("error", JsonDocument),
)

hosted_alert = Table(
    "hosted_alert",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("app_id", String(40), nullable=False, index=True),
    Column("job", String(60), nullable=False),
    Column("text", JsonDocument, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)

hosted_usage = Table(
    "hosted_usage",
    metadata,
    Column("app_id", String(40), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("opens", Integer, nullable=False),
    Column("viewers", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("denied", Integer, nullable=False),
    Column("slow", Integer, nullable=False),
    Column("readings", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("scanned", BigInteger, nullable=False),
    Column("requests", Integer, nullable=False, server_default="0"),
    Column("errors", Integer, nullable=False, server_default="0"),
    Column("served_seconds", Float, nullable=False, server_default="0"),
    Column("sent", BigInteger, nullable=False, server_default="0"),
    Column("calls", Integer, nullable=False, server_default="0"),
    Column("runs", Integer, nullable=False, server_default="0"),
)

hosted_server = Table(
    "hosted_server",
    metadata,
    Column("app_id", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("starts", Integer, nullable=False),
    Column("walls", JsonDocument, nullable=False),
    Column("error", Text, nullable=False),
    Column("restart_at", UtcDateTime),
    Column("held_at", UtcDateTime),
    Column("held_reason", Text, nullable=False, server_default=""),
)
