"""what a dispute keeps of its time, where webhooks lead, and what lists of requests are sorted by."""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("exchange_dispute", schema=None) as batch_op:
        batch_op.add_column(sa.Column("raise_limit", JsonDocument, nullable=True))
    with op.batch_alter_table("exchange_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stage", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("asks", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("warned_at", UtcDateTime, nullable=True))
        batch_op.add_column(sa.Column("late_at", UtcDateTime, nullable=True))
    _name_stages()
    _name_webhooks()


def _name_stages() -> None:
    """Write beside each request which stage is worked at; how its time stands is written within the first minute."""
    request = sa.table(
        "exchange_request",
        *(sa.column(name, sa.String()) for name in ("id", "state", "stage", "asks")),
        sa.column("at_stage", sa.Integer()),
        sa.column("stages", JsonDocument),
    )
    reviewed = request.c.state.in_(["formal_review", "provider_review", "authority_review"])
    columns = (request.c.id, request.c.at_stage, request.c.stages)
    for row in op.get_bind().execute(sa.select(*columns).where(reviewed)).all():
        stage = row.stages[row.at_stage]
        named = {"stage": stage["id"], "asks": stage["permission"]}
        op.execute(sa.update(request).where(request.c.id == row.id).values(**named))


def _name_webhooks() -> None:
    push = sa.table(
        "exchange_push",
        sa.column("id", sa.String()),
        sa.column("kind", sa.String()),
        sa.column("target", sa.String()),
        sa.column("options", JsonDocument),
    )
    unnamed = sa.select(push.c.id, push.c.options).where(push.c.kind == "webhook", push.c.target == "")
    for row in op.get_bind().execute(unnamed).all():
        url = urlsplit(str(row.options.get("url", "")))
        op.execute(sa.update(push).where(push.c.id == row.id).values(target=f"{url.scheme}://{url.netloc}"))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
