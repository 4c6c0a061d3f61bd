"""Assessment of departments, statistical indicators and the work plan."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assess_book",
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("weights", JsonDocument, nullable=False),
        sa.Column("fewest", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided_name", sa.String(200), nullable=False),
        sa.Column("decided_at", UtcDateTime()),
        sa.Column("decision", sa.Text(), nullable=False),
    )
    op.create_table(
        "assess_sheet",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("computed_at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("book", sa.Integer(), nullable=False),
        sa.Column("missing", JsonDocument, nullable=False),
        sa.Column("frozen_at", UtcDateTime()),
        sa.Column("frozen_by", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.UniqueConstraint("period", name="uq_assess_sheet_period"),
    )
    op.create_table(
        "assess_mark",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column(
            "sheet_id",
            sa.String(40),
            sa.ForeignKey("assess_sheet.id", name="fk_assess_mark_sheet_id_assess_sheet"),
            nullable=False,
        ),
        sa.Column("org_id", sa.String(64), nullable=False),
        sa.Column("indicator", sa.String(40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("a", sa.Float(), nullable=False),
        sa.Column("b", sa.Float(), nullable=False),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("score", sa.Float()),
        sa.Column("appeal", sa.String(40), nullable=False),
        sa.UniqueConstraint(
            "sheet_id", "org_id", "indicator", "revision", name="uq_assess_mark_sheet_id_org_id_indicator_revision"
        ),
    )
    op.create_table(
        "assess_fact",
        sa.Column(
            "mark_id",
            sa.String(40),
            sa.ForeignKey("assess_mark.id", name="fk_assess_fact_mark_id_assess_mark"),
            primary_key=True,
        ),
        sa.Column("place", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("subject", sa.String(12), nullable=False),
        sa.Column("ref", sa.String(400), nullable=False),
        sa.Column("name", sa.String(600), nullable=False),
        sa.Column("a", sa.Float(), nullable=False),
        sa.Column("b", sa.Float(), nullable=False),
        sa.Column("why", JsonDocument, nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime()),
    )
    op.create_table(
        "assess_appeal",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("sheet_id", sa.String(40), nullable=False),
        sa.Column("org_id", sa.String(64), nullable=False),
        sa.Column("indicator", sa.String(40), nullable=False),
        sa.Column("mark_id", sa.String(40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("standing", sa.String(120)),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided_name", sa.String(200), nullable=False),
        sa.Column("decided_at", UtcDateTime()),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("mark_after", sa.String(40), nullable=False),
        sa.UniqueConstraint("standing", name="uq_assess_appeal_standing"),
    )
    op.create_table(
        "assess_figure",
        sa.Column("code", sa.String(60), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("name_zh", sa.String(200), nullable=False),
        sa.Column("name_en", sa.String(200), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("unit_zh", sa.String(60), nullable=False),
        sa.Column("unit_en", sa.String(60), nullable=False),
        sa.Column("period_kind", sa.String(10), nullable=False),
        sa.Column("value_kind", sa.String(10), nullable=False),
        sa.Column("better", sa.String(10), nullable=False),
        sa.Column("dimensions", JsonDocument, nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("org_id", sa.String(64), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_assess_figure_current", "assess_figure", ["is_current"])
    op.create_table(
        "assess_figure_value",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("dimension", sa.String(100), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(12), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided_name", sa.String(200), nullable=False),
        sa.Column("decided_at", UtcDateTime()),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.UniqueConstraint(
            "code", "region", "period", "dimension", "revision", name="uq_assess_figure_value_revision"
        ),
    )
    op.create_table(
        "assess_figure_target",
        sa.Column("code", sa.String(60), primary_key=True),
        sa.Column("region", sa.String(12), primary_key=True),
        sa.Column("period", sa.String(10), primary_key=True),
        sa.Column("operator", sa.String(2), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("org_id", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "plan_task",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("plan", sa.String(40), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("part", JsonDocument, nullable=False),
        sa.Column("title_zh", sa.String(300), nullable=False),
        sa.Column("title_en", sa.String(300), nullable=False),
        sa.Column("summary", JsonDocument, nullable=False),
        sa.Column("leads", JsonDocument, nullable=False),
        sa.Column("joint", JsonDocument, nullable=False),
        sa.Column("joint_words", sa.String(300), nullable=False),
        sa.Column("measures", sa.String(60), nullable=False),
        sa.Column("figures", JsonDocument, nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("reported_at", UtcDateTime()),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("plan", "number", name="uq_plan_task_plan_number"),
    )
    op.create_table(
        "plan_progress",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column(
            "task_id",
            sa.String(40),
            sa.ForeignKey("plan_task.id", name="fk_plan_progress_task_id_plan_task"),
            nullable=False,
        ),
        sa.Column("act", sa.String(12), nullable=False),
        sa.Column("org_id", sa.String(64)),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("proofs", JsonDocument, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_plan_progress_task_id", "plan_progress", ["task_id"])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
