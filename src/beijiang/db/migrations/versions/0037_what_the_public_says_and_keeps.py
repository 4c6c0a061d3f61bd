"""What the public says and keeps."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portal_favourite",
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("dataset_id", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "dataset_id", name=op.f("pk_portal_favourite")),
    )
    op.create_table(
        "portal_rating",
        sa.Column("dataset_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "person_id", name=op.f("pk_portal_rating")),
    )
    op.create_table(
        "portal_registration",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("clock", JsonDocument, nullable=True),
        sa.Column("urged", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=60), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_registration")),
        sa.UniqueConstraint("login", name=op.f("uq_portal_registration_login")),
    )
    with op.batch_alter_table("portal_registration", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_portal_registration_state"), ["state"], unique=False)

    op.create_table(
        "portal_voice",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("dataset_id", sa.String(length=40), nullable=False),
        sa.Column("dataset_title", sa.String(length=300), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.String(length=60), nullable=False),
        sa.Column("result_id", sa.String(length=40), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("hidden_reason", sa.Text(), nullable=False),
        sa.Column("clock", JsonDocument, nullable=True),
        sa.Column("urged", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_voice")),
    )
    with op.batch_alter_table("portal_voice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_portal_voice_by"), ["by"], unique=False)
        batch_op.create_index(batch_op.f("ix_portal_voice_dataset_id"), ["dataset_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_portal_voice_org_id"), ["org_id"], unique=False)

    op.create_table(
        "portal_work",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_work")),
    )
    with op.batch_alter_table("portal_work", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_portal_work_by"), ["by"], unique=False)
        batch_op.create_index(batch_op.f("ix_portal_work_state"), ["state"], unique=False)

    op.create_table(
        "portal_support",
        sa.Column("voice_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["voice_id"], ["portal_voice.id"], name=op.f("fk_portal_support_voice_id_portal_voice")
        ),
        sa.PrimaryKeyConstraint("voice_id", "person_id", name=op.f("pk_portal_support")),
    )
    op.create_table(
        "portal_work_set",
        sa.Column("work_id", sa.String(length=40), nullable=False),
        sa.Column("dataset_id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["work_id"], ["portal_work.id"], name=op.f("fk_portal_work_set_work_id_portal_work")),
        sa.PrimaryKeyConstraint("work_id", "dataset_id", name=op.f("pk_portal_work_set")),
    )
    with op.batch_alter_table("portal_work_set", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_portal_work_set_dataset_id"), ["dataset_id"], unique=False)


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
