"""The metadata tables of forecasts: what is declared, and what its runs were; the numbers stand in tables of the lake."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["forecast", "forecast_card", "forecast_run"]

forecast = Table(
    "forecast",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("source", String(200), nullable=False),
    Column("target", String(200), nullable=False),
    Column("declared", JsonDocument, nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("owner", JsonDocument, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_forecast_current", "is_current", "target"),
    Index("ix_forecast_source", "is_current", "kind", "source"),
)

forecast_card = Table(
    "forecast_card",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("forecast_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("limits", Text, nullable=False),
    Column("by_id", String(64), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(12), nullable=False),
    Column("decided_by", String(200), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("note", Text, nullable=False),
    UniqueConstraint("forecast_id", "number"),
)
"""What was said of a forecast, each time, and what was decided on it."""

forecast_run = Table(
    "forecast_run",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("forecast_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("cause", String(10), nullable=False),
    Column("by", String(60), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("frequency", String(10), nullable=False),
    Column("data_version", String(80), nullable=False),
    Column("calendar", String(40), nullable=False),
    Column("model", String(100), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("last_period", String(20), nullable=False),
    Column("series", Integer, nullable=False),
    Column("without", JsonDocument, nullable=False),
    Column("methods", JsonDocument, nullable=False),
    Column("mase", Float),
    Column("naive_mase", Float),
    Column("cover80", Float),
    Column("version", Integer),
    Column("error", JsonDocument),
    Index("ix_forecast_run_forecast", "forecast_id", "number"),
)
