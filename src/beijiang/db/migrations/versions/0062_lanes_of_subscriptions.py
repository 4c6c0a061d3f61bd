"""lanes of subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index("ix_notice_thing", ["thing"], unique=False)

    # With a default, so that SQLite need not build the table anew, which the news that refer to it forbid.
    with op.batch_alter_table("portal_follow", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lane", sa.String(length=64), server_default="", nullable=False))

    # The host of an older subscription is sealed: each of its addresses is a lane of its own.
    op.execute(
        "UPDATE portal_follow SET lane = CASE way WHEN 'webhook' THEN address_digest WHEN 'mail' THEN 'mail' ELSE '' END"
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
