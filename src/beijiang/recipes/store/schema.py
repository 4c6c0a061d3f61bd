"""The metadata tables of recipes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["recipe", "recipe_run"]

recipe = Table(
    "recipe",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("name", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("target", String(200), nullable=False),
    Column("sources", JsonDocument, nullable=False),
    Column("steps", JsonDocument, nullable=False),
    Column("sql", Text, nullable=False),
    Column("on_write", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("owner", JsonDocument, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("ix_recipe_current", "is_current", "target"),
)

recipe_run = Table(
    "recipe_run",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("recipe_id", String(40), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("trigger", String(10), nullable=False),
    Column("by", String(60), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("version", Integer),
    Column("rows", BigInteger, nullable=False),
    Column("aside", BigInteger, nullable=False),
    Column("sources", JsonDocument, nullable=False),
    Column("counts", JsonDocument, nullable=False),
    Column("error", JsonDocument),
    Column("making", String(10), nullable=False, server_default="whole"),
    Column("why", JsonDocument),
    Column("worked", BigInteger),
    Index("ix_recipe_run_recipe", "recipe_id", "at"),
)
