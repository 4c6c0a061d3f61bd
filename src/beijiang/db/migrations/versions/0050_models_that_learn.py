"""feature views, training sets, models and scores."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feature_view",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("body", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("id", "revision", name=op.f("pk_feature_view")),
    )
    with op.batch_alter_table("feature_view", schema=None) as batch_op:
        batch_op.create_index("ix_feature_view_current", ["is_current", "org_id"], unique=False)

    op.create_table(
        "learned_model",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("set_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("body", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learned_model")),
    )
    with op.batch_alter_table("learned_model", schema=None) as batch_op:
        batch_op.create_index("ix_learned_model_org", ["org_id", "at"], unique=False)
        batch_op.create_index("ix_learned_model_set", ["set_id"], unique=False)

    op.create_table(
        "score_plan",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("owner", JsonDocument, nullable=False),
        sa.Column("body", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_plan")),
    )
    with op.batch_alter_table("score_plan", schema=None) as batch_op:
        batch_op.create_index("ix_score_plan_org", ["org_id", "retired"], unique=False)

    op.create_table(
        "score_run",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("plan_id", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("body", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_run")),
    )
    with op.batch_alter_table("score_run", schema=None) as batch_op:
        batch_op.create_index("ix_score_run_plan", ["plan_id", "at"], unique=False)

    op.create_table(
        "training_set",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("body", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_set")),
    )
    with op.batch_alter_table("training_set", schema=None) as batch_op:
        batch_op.create_index("ix_training_set_org", ["org_id", "at"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
