"""The metadata tables of relayed applications: the names of their hosts, whether they answer, and when that turned."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["app_health", "app_health_turn", "app_host"]

app_host = Table(
    "app_host",
    metadata,
    Column("label", String(40), primary_key=True),
    Column("client_id", String(40), nullable=False),
    Index("ix_app_host_client_id", "client_id"),
)

app_health = Table(
    "app_health",
    metadata,
    Column("client_id", String(40), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("error", JsonDocument, nullable=False),
    Column("millis", Integer, nullable=False),
)

app_health_turn = Table(
    "app_health_turn",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("client_id", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("error", JsonDocument, nullable=False),
    Column("lasted_seconds", Integer, nullable=False),
    Index("ix_app_health_turn_client_id", "client_id", "at"),
)
