"""The tables of access. The rule of the three administrators stands in the database itself.

An account's ``office`` is either ``admin`` (then ``admin_role`` names the one role) or ``data``; rows of ``person_role``
refer to (id, ``data``), so no administrator can have one, and one column cannot hold two administrator roles.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from beijiang.access.models import ADMINISTRATORS, Role
from beijiang.db import JsonDocument, UtcDateTime, metadata

_ADMIN = ", ".join(f"'{role}'" for role in sorted(ADMINISTRATORS))
_DATA = ", ".join(f"'{role}'" for role in Role if role not in ADMINISTRATORS)

organisation = Table(
    "organisation",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name_zh", String(100), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("short_zh", String(100)),
    Column("kind", String(20), nullable=False),
    Column("uscc", String(18), unique=True),
    Column("parent_id", String(40), ForeignKey("organisation.id")),
    Column("region_code", String(12)),
    Column("admin_tier", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    CheckConstraint("admin_tier BETWEEN 1 AND 3", name="tier"),
    Index("ix_organisation_parent_id", "parent_id"),
)

organisation_region = Table(
    "organisation_region",
    metadata,
    Column("org_id", String(40), ForeignKey("organisation.id"), primary_key=True),
    Column("region_code", String(12), primary_key=True),
)

person = Table(
    "person",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("org_id", String(40), ForeignKey("organisation.id")),
    Column("office", String(5), nullable=False),
    Column("admin_role", String(20)),
    Column("password_hash", Text),
    Column("code_digest", String(64)),
    Column("code_expires_at", UtcDateTime),
    Column("disabled_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("id", "office"),
    CheckConstraint(
        f"(office = 'data' AND admin_role IS NULL) OR (office = 'admin' AND admin_role IN ({_ADMIN}))", name="office"
    ),
    Index("ix_person_org_id", "org_id"),
)

person_role = Table(
    "person_role",
    metadata,
    Column("person_id", String(40), primary_key=True),
    Column("role", String(20), primary_key=True),
    Column("office", String(5), nullable=False, server_default="data"),
    ForeignKeyConstraint(["person_id", "office"], ["person.id", "person.office"]),
    CheckConstraint("office = 'data'", name="office"),
    CheckConstraint(f"role IN ({_DATA})", name="role"),
)

session = Table(
    "session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("person_id", String(40), ForeignKey("person.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("idle_seconds", Integer, nullable=False),
    Column("source", String(64), nullable=False),
    Index("ix_session_person_id", "person_id"),
    Index("ix_session_expires_at", "expires_at"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("person_id", String(40), ForeignKey("person.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", JsonDocument, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    Index("ix_api_key_person_id", "person_id"),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("login_digest", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("locked_until", UtcDateTime),
    Index("ix_sign_in_attempt_last_at", "last_at"),
)
