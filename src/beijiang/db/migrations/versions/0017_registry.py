"""The registry of data elements and code sets, its proposals, and which element a column holds."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "standards_version",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("entry_id", sa.String(130), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("form", JsonDocument, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("proposal_id", sa.String(40), nullable=False),
        sa.UniqueConstraint("kind", "entry_id", "version", name=op.f("uq_standards_version_kind_entry_id_version")),
    )
    op.create_table(
        "standards_code",
        sa.Column("seq", sa.Integer, sa.ForeignKey("standards_version.seq"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("name_zh", sa.String(300), nullable=False),
        sa.Column("name_en", sa.String(300), nullable=False),
        sa.Column("parent", sa.String(60)),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_to", sa.Date),
        sa.Column("replaced_by", JsonDocument, nullable=False),
    )
    op.create_table(
        "standards_proposal",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("org_id", sa.String(60)),
        sa.Column("changes", JsonDocument, nullable=False),
        sa.Column("about", JsonDocument, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("decided_by", sa.String(60), nullable=False),
        sa.Column("decided_name", sa.String(200), nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("decision", sa.Text, nullable=False),
    )
    op.create_table(
        "quality_mapping",
        sa.Column("table_name", sa.String(200), primary_key=True),
        sa.Column("column_name", sa.String(400), primary_key=True),
        sa.Column("element_id", sa.String(130), primary_key=True),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "quality_conformity",
        sa.Column("table_name", sa.String(200), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("column_name", sa.String(400), primary_key=True),
        sa.Column("element_id", sa.String(130), nullable=False),
        sa.Column("element_version", sa.Integer, nullable=False),
        sa.Column("a", sa.BigInteger, nullable=False),
        sa.Column("b", sa.BigInteger, nullable=False),
        sa.Column("error", JsonDocument),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_standards_proposal_state", "standards_proposal", ["state", "at"])
    op.create_index("ix_quality_mapping_element", "quality_mapping", ["element_id"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
