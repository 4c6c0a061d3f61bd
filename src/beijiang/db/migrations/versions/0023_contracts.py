"""Data contracts with the tables that they bind, rules that come from them, and which profile of law counts since when."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contract",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("odcs_id", sa.String(200), nullable=False),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("org_id", "odcs_id", name="uq_contract_org_id_odcs_id"),
    )
    op.create_table(
        "contract_version",
        sa.Column("contract_id", sa.String(40), sa.ForeignKey("contract.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("version", sa.String(60), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("original", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("proposed_by", sa.String(60), nullable=False),
        sa.Column("proposed_at", UtcDateTime),
        sa.Column("decided_by", sa.String(60), nullable=False),
        sa.Column("decided_name", sa.String(200), nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("decision", sa.Text, nullable=False),
    )
    op.create_table(
        "contract_file",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "contract_binding",
        sa.Column("table_name", sa.String(200), primary_key=True),
        sa.Column("contract_id", sa.String(40), sa.ForeignKey("contract.id"), nullable=False),
        sa.Column("object", sa.String(300), nullable=False),
    )
    op.create_index("ix_contract_binding_contract_id", "contract_binding", ["contract_id"])
    op.create_table(
        "standards_profile",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("org_id", sa.String(60), nullable=False),
        sa.Column("profile", sa.String(40), nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_standards_profile_org_id", "standards_profile", ["org_id"])
    for name in ("limit_words", "contract"):
        op.add_column("quality_rule", sa.Column(name, sa.String(60), nullable=False, server_default=""))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
