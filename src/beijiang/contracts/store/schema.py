"""The metadata tables of contracts."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from beijiang.db import UtcDateTime, metadata

__all__ = ["contract", "contract_binding", "contract_file", "contract_version"]

contract = Table(
    "contract",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("odcs_id", String(200), nullable=False),
    Column("org_id", String(60), nullable=False),
    Column("name", String(300), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("org_id", "odcs_id", name="uq_contract_org_id_odcs_id"),
)

contract_version = Table(
    "contract_version",
    metadata,
    Column("contract_id", String(40), ForeignKey("contract.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("version", String(60), nullable=False),
    Column("state", String(12), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("original", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("proposed_by", String(60), nullable=False),
    Column("proposed_at", UtcDateTime),
    Column("decided_by", String(60), nullable=False),
    Column("decided_name", String(200), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decision", Text, nullable=False),
)

contract_file = Table(
    "contract_file",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Every text that a version ever had, by its SHA-256."""

contract_binding = Table(
    "contract_binding",
    metadata,
    Column("table_name", String(200), primary_key=True),
    Column("contract_id", String(40), ForeignKey("contract.id"), nullable=False),
    Column("object", String(300), nullable=False),
    Index("ix_contract_binding_contract_id", "contract_id"),
)
"""A table is bound by one contract at most."""
