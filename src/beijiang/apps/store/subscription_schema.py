"""The metadata tables of subscriptions and of the use that applications make of APIs."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text, UniqueConstraint

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = ["app_subscription", "app_subscription_wish", "app_use"]


def _subscriptions(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("id", String(40), primary_key=True),
        Column("client_id", String(40), nullable=False),
        Column("api", String(200), nullable=False),
        Column("name", String(300), nullable=False),
        Column("plan", String(20), nullable=False),
        Column("state", String(20), nullable=False),
        Column("by_id", String(60), nullable=False),
        Column("by", String(200), nullable=False),
        Column("at", UtcDateTime, nullable=False),
        Column("decided_by", String(200), nullable=False),
        Column("note", Text, nullable=False),
        UniqueConstraint("client_id", "api"),
    )


app_subscription = _subscriptions("app_subscription")
app_subscription_wish = _subscriptions("app_subscription_wish")
"""Another plan that is asked for while a subscription is in force: that one holds until the review."""

app_use = Table(
    "app_use",
    metadata,
    Column("client_id", String(40), primary_key=True),
    Column("api", String(200), primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("bins", JsonDocument, nullable=False),
)
