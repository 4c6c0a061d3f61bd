"""The metadata tables of the catalog."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from beijiang.db import JsonDocument, UtcDateTime, metadata

resource = Table(
    "catalog_resource",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("table_name", String(400), unique=True),
    Column("provider_id", String(64), nullable=False, index=True),
    Column("name", String(400), nullable=False),
    Column("state", String(32), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("entry", JsonDocument, nullable=False),
    Column("grades", JsonDocument, nullable=False),
    Column("facts", JsonDocument, nullable=False),
    Column("data_at", UtcDateTime),
    Column("version", Integer),
    Column("versions", Integer, nullable=False),
    Column("released_table_version", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
    Column("submitted_by", String(64)),
    Column("approved_by", String(64)),
    Column("reviewer_org", String(64)),
    Column("endorsed_by", String(64)),
    Column("reasons", JsonDocument, nullable=False),
    Column("level", String(4)),
    # The highest grade of its items, which stand in the entry: lists sort and narrow by it.
    UniqueConstraint("provider_id", "name"),
)

code = Table(
    "catalog_code",
    metadata,
    Column("prefix", String(40), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("resource_id", String(32), ForeignKey("catalog_resource.id"), nullable=False, index=True),
    Column("is_primary", Boolean, nullable=False),
    Column("allocated_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
)
"""Each code once and for ever: the primary key forbids a second use, and rows are never deleted."""

code_counter = Table(
    "catalog_code_counter",
    metadata,
    Column("prefix", String(40), primary_key=True),
    Column("last", Integer, nullable=False),
)
"""The last sequence given per prefix; it only rises."""

version = Table(
    "catalog_version",
    metadata,
    Column("resource_id", String(32), ForeignKey("catalog_resource.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("profile", String(32), nullable=False),
    Column("table_version", Integer, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("published_by", String(64), nullable=False),
)

release = Table(
    "catalog_release",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("resource_id", String(32), ForeignKey("catalog_resource.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("table_version", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", String(64), nullable=False),
)
"""Every time that readers were moved to another version of the table."""

step = Table(
    "catalog_step",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("resource_id", String(32), ForeignKey("catalog_resource.id"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("action", String(32), nullable=False),
    Column("source", String(32), nullable=False),
    Column("target", String(32), nullable=False),
    Column("note", Text, nullable=False),
)

task = Table(
    "catalog_task",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("resource_id", String(32), ForeignKey("catalog_resource.id"), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("rule_id", String(64), nullable=False),
    Column("basis", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("closed_at", UtcDateTime),
    Index("ix_catalog_task_open", "closed_at", "due_on"),
)

thread = Table(
    "catalog_thread",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("resource_id", String(32), ForeignKey("catalog_resource.id"), nullable=False, index=True),
    Column("column_name", String(400)),
    Column("subject", String(400), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seen", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Column("resolved_by", String(64)),
    Column("resolved_name", String(200), nullable=False),
)
"""Conversations about an entry or an item; ``seen`` is what was looked at, as it was."""

remark = Table(
    "catalog_remark",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("thread_id", String(40), ForeignKey("catalog_thread.id"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("actor_name", String(200), nullable=False),
    Column("org_id", String(64)),
    Column("text", Text, nullable=False),
)

system = Table(
    "catalog_system",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(64), nullable=False),
    Column("name", String(400), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", String(32), nullable=False),
    Column("network", String(32), nullable=False),
    Column("database", String(400), nullable=False),
    Column("since", Date),
    Column("contact", String(400), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("org_id", "name"),
)
"""The inventory of government systems, each under its department."""

system_entry = Table(
    "catalog_system_entry",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("system_id", String(40), ForeignKey("catalog_system.id"), nullable=False),
    Column("resource_id", String(32), ForeignKey("catalog_resource.id"), nullable=False, index=True),
    UniqueConstraint("system_id", "resource_id"),
)
"""Which entries describe data of which system."""

extension_field = Table(
    "catalog_extension_field",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("name_zh", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("code_set", String(200), nullable=False),
    Column("required_from", Date),
    Column("places", JsonDocument, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("position", Integer, nullable=False),
    Column("region_code", String(12), nullable=False),
    Column("declared_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
)
"""Fields that the region declared; rows are never deleted, since entries and their versions hold values of them."""

search = Table(
    "catalog_search",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("resource_id", String(32), nullable=False),
    Column("slot", String(1), nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("is_inner", Boolean, nullable=False),
    Column("seq", Integer, nullable=False, index=True),
    Column("provider_id", String(64), nullable=False),
    Column("provider_name", String(400), nullable=False),
    Column("name", String(400), nullable=False),
    Column("sounds", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("fields", JsonDocument, nullable=False),
    Column("facets", JsonDocument, nullable=False),
    Column("state", String(32), nullable=False),
    Column("rows", Integer),
    Column("published_at", UtcDateTime),
    Column("data_at", UtcDateTime),
    Column("first_at", UtcDateTime),
    Column("changed_at", UtcDateTime),
    UniqueConstraint("resource_id", "slot"),
)
"""What a result shows; ``first_at`` and ``changed_at`` are when the public first had it and when that last changed; ``rows`` is left out where a rule keeps rows back. Slot ``w`` is the working entry, slot ``p`` the published one while the two differ."""

search_head = Table(
    "catalog_search_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""One row: how often the index has changed, and when last."""
