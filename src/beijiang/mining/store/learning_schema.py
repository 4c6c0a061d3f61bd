"""The metadata tables of feature views, training sets, models and scores; what is asked for by is a column, the rest a document."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["feature_view", "learned_model", "score_plan", "score_run", "training_set"]

feature_view = Table(
    "feature_view",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("body", JsonDocument, nullable=False),
    Index("ix_feature_view_current", "is_current", "org_id"),
)

training_set = Table(
    "training_set",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", JsonDocument, nullable=False),
    Index("ix_training_set_org", "org_id", "at"),
)

learned_model = Table(
    "learned_model",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("set_id", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", JsonDocument, nullable=False),
    Index("ix_learned_model_org", "org_id", "at"),
    Index("ix_learned_model_set", "set_id"),
)

score_plan = Table(
    "score_plan",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("target", String(200), nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("owner", JsonDocument, nullable=False),
    Column("body", JsonDocument, nullable=False),
    Index("ix_score_plan_org", "org_id", "retired"),
)

score_run = Table(
    "score_run",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("plan_id", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", JsonDocument, nullable=False),
    Index("ix_score_run_plan", "plan_id", "at"),
)
