"""effects of disputes."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None

_OVER = ("settled", "decided", "withdrawn")
_PARTY = ("submit", "supply", "refuse", "narrow", "cut", "suspend", "revoke", "keep")
"""Steps by which somebody asked for what is disputed, decided on it, or answered for a side."""


def upgrade() -> None:
    with op.batch_alter_table("exchange_dispute", schema=None) as batch_op:
        batch_op.add_column(sa.Column("effect", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("barred", sa.Text(), server_default="", nullable=False))
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """Keep from deciding a dispute that is open whoever asked for what it is about, decided on it, raised it or answered it."""
    dispute = _table("exchange_dispute", "id", "by", "subject", "state", "barred")
    running = sa.select(dispute).where(dispute.c.state.not_in(_OVER))
    for row in connection.execute(running).all():
        people = {row.by, *_parties(connection, row.id, row.subject)} - {"", None}
        barred = "".join(f" {who} " for who in sorted(people))
        connection.execute(sa.update(dispute).where(dispute.c.id == row.id).values(barred=barred))


def _parties(connection: sa.Connection, dispute_id: str, subject: str) -> Iterator[str | None]:
    grant = _table("exchange_grant", "id", "request_id", "grantee_id")
    request = _table("exchange_request", "id", "by")
    ticket = _table("quality_ticket", "id", "opened_by")
    step = sa.table(
        "exchange_step",
        *(sa.column(name, sa.String) for name in ("matter_id", "by", "move")),
        sa.column("detail", JsonDocument),
    )
    matters = [dispute_id, subject]
    for held in connection.execute(sa.select(grant).where(grant.c.id == subject)):
        matters.append(held.request_id or "")
        yield held.grantee_id
    yield from connection.execute(sa.select(request.c.by).where(request.c.id.in_(matters))).scalars()
    yield from connection.execute(sa.select(ticket.c.opened_by).where(ticket.c.id == subject)).scalars()
    taken = sa.select(step.c.by, step.c.detail).where(step.c.matter_id.in_(matters), step.c.move.in_(_PARTY))
    for one in connection.execute(taken):
        yield one.by
        yield one.detail.get("behalf")


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(one, sa.String) for one in columns))


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
