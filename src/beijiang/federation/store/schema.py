"""The tables of nodes and letters."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from beijiang.db import UtcDateTime, metadata

__all__ = ["identities", "invitations", "keys", "letters", "links", "nonces"]


def _card() -> list[Column[str] | Column[int]]:
    """Return the columns of what a node says of itself."""
    return [
        Column("name_zh", String(100), nullable=False),
        Column("name_en", String(100), nullable=False),
        Column("tier", Integer, nullable=False),
        Column("region_code", String(12), nullable=False),
        Column("url", String(300), nullable=False),
        Column("key", String(300), nullable=False),
    ]


identities = Table(
    "federation_identity",
    metadata,
    Column("node_id", String(40), primary_key=True),
    *_card(),
    Column("changed_at", UtcDateTime, nullable=False),
)
"""One row, once this platform has said which node it is; ``key`` is the newest."""

keys = Table(
    "federation_key",
    metadata,
    Column("key", String(300), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)

invitations = Table(
    "federation_invitation",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("node_id", String(40), nullable=False),
    Column("bearing", String(10), nullable=False),
    Column("made_by", String(100), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

links = Table(
    "federation_link",
    metadata,
    Column("node_id", String(40), primary_key=True),
    *_card(),
    Column("bearing", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("former_key", String(300), nullable=False),
    Column("own_key", String(300), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("decided_by", String(100), nullable=False),
    Column("heard_at", UtcDateTime),
    Column("told_at", UtcDateTime),
    Column("failures", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("trouble_zh", Text),
    Column("trouble_en", Text),
    Column("sent", Integer, nullable=False),
)

letters = Table(
    "federation_letter",
    metadata,
    Column("node_id", String(40), primary_key=True),
    Column("way", String(5), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("code", String(100), nullable=False),
    Column("reason_zh", Text),
    Column("reason_en", Text),
    Column("attempts", Integer, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("cleared_at", UtcDateTime),
    Index("ix_federation_letter_due", "way", "state", "node_id", "number"),
    Index("ix_federation_letter_kept", "cleared_at", "answered_at"),
    Index("ix_federation_letter_subject", "node_id", "way", "subject", "number"),
)

nonces = Table(
    "federation_nonce",
    metadata,
    Column("node_id", String(40), primary_key=True),
    Column("nonce", String(64), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
