"""Libraries: what they hold, who gives it, runs, decisions about records, and one source for each field."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fusion_library",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("prefix", sa.String(8), nullable=False),
        sa.Column("elements", JsonDocument, nullable=False),
        sa.Column("key", JsonDocument, nullable=False),
        sa.Column("matching", sa.String(40), nullable=False),
        sa.Column("certain", sa.Float, nullable=False),
        sa.Column("grey", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("owner", JsonDocument, nullable=False),
        sa.Column("set_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_fusion_library_current", "fusion_library", ["is_current", "target"])
    op.create_table(
        "fusion_key",
        sa.Column("library_id", sa.String(40), primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
    )
    op.create_table(
        "fusion_link",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("library_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("table_name", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("columns", JsonDocument, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("key", JsonDocument, nullable=False),
        sa.Column("seen", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_by", JsonDocument, nullable=False),
        sa.Column("agreed_by", JsonDocument),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("library_id", "number", name="uq_fusion_link_number"),
    )
    op.create_index("ix_fusion_link_library", "fusion_link", ["library_id", "state"])
    op.create_index("ix_fusion_link_table", "fusion_link", ["table_name"])
    op.create_table(
        "fusion_run",
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("library_id", sa.String(40), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("trigger", sa.String(10), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("subjects", sa.BigInteger, nullable=False),
        sa.Column("matched", sa.BigInteger, nullable=False),
        sa.Column("waiting", sa.BigInteger, nullable=False),
        sa.Column("sources", JsonDocument, nullable=False),
        sa.Column("fields", JsonDocument, nullable=False),
        sa.Column("matching", JsonDocument, nullable=False),
        sa.Column("error", JsonDocument),
    )
    op.create_index("ix_fusion_run_library", "fusion_run", ["library_id", "at"])
    op.create_table(
        "fusion_pair",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("library_id", sa.String(40), nullable=False),
        sa.Column("left", sa.String(40), nullable=False),
        sa.Column("right", sa.String(40), nullable=False),
        sa.Column("left_source", sa.Integer, nullable=False),
        sa.Column("right_source", sa.Integer, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("levels", JsonDocument, nullable=False),
        sa.Column("against", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("found_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("library_id", "left", "right", name="uq_fusion_pair"),
    )
    op.create_index("ix_fusion_pair_waiting", "fusion_pair", ["library_id", "state", "probability"])
    op.create_table(
        "fusion_decision",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("library_id", sa.String(40), nullable=False),
        sa.Column("left", sa.String(40), nullable=False),
        sa.Column("right", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("taken_out", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("revoked_by", sa.String(60), nullable=False),
        sa.Column("revoked_at", UtcDateTime),
        sa.Column("why_revoked", sa.Text, nullable=False),
    )
    op.create_index("ix_fusion_decision_library", "fusion_decision", ["library_id", "at"])
    op.create_table(
        "fusion_claim",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("library_id", sa.String(40), nullable=False),
        sa.Column("element", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("decided_by", sa.String(60), nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("ix_fusion_claim_library", "fusion_claim", ["library_id", "state"])
    op.create_table(
        "fusion_dispute",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("claim_id", sa.String(40), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("ruled_by", sa.String(60), nullable=False),
        sa.Column("ruled_at", UtcDateTime),
        sa.Column("ruling", sa.Text, nullable=False),
    )
    op.create_index("ix_fusion_dispute_claim", "fusion_dispute", ["claim_id", "state"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
