"""The metadata tables of applications written elsewhere: registrations, secrets, consents, codes, sign-ons, tokens, signing keys."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from beijiang.db import JsonDocument, UtcDateTime, metadata

__all__ = [
    "app_client",
    "app_client_secret",
    "app_code",
    "app_consent",
    "app_farewell",
    "app_sign_on",
    "app_signing_key",
    "app_token",
]

app_client = Table(
    "app_client",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("org_id", String(60), nullable=False),
    Column("facts", JsonDocument, nullable=False),
    Column("state", String(20), nullable=False),
    Column("proposed", JsonDocument),
    Column("by_id", String(60), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("decided_by", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Index("ix_app_client_org_id", "org_id"),
)

app_client_secret = Table(
    "app_client_secret",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("client_id", String(40), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("made_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime),
    Index("ix_app_client_secret_client_id", "client_id"),
)

app_consent = Table(
    "app_consent",
    metadata,
    Column("person_id", String(60), primary_key=True),
    Column("client_id", String(40), primary_key=True),
    Column("scopes", JsonDocument, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

app_sign_on = Table(
    "app_sign_on",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("client_id", String(40), nullable=False),
    Column("person_id", String(60), nullable=False),
    Column("session_id", String(40)),
    Column("scopes", JsonDocument, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_app_sign_on_person_id", "person_id", "client_id"),
    Index("ix_app_sign_on_ends_at", "ends_at"),
)

app_code = Table(
    "app_code",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("family_id", String(40), nullable=False),
    Column("client_id", String(40), nullable=False),
    Column("person_id", String(60), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", JsonDocument, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("challenge", String(128), nullable=False),
    Column("signed_in_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("spent_at", UtcDateTime),
    Index("ix_app_code_expires_at", "expires_at"),
)

app_token = Table(
    "app_token",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("client_id", String(40), nullable=False),
    Column("family_id", String(40)),
    Column("scopes", JsonDocument, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_app_token_expires_at", "expires_at"),
)

app_farewell = Table(
    "app_farewell",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("client_id", String(40), nullable=False),
    Column("family_id", String(40), nullable=False),
    Column("person_id", String(60), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("error", String(60), nullable=False),
    Index("ix_app_farewell_due", "state", "next_at"),
    Index("ix_app_farewell_client_id", "client_id", "state"),
)

app_signing_key = Table(
    "app_signing_key",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("public", JsonDocument, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime),
)
