"""retention and caps of letters."""

import json

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

_PART = 500


def upgrade() -> None:
    op.create_table(
        "federation_department",
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("node_id", "org_id", name=op.f("pk_federation_department")),
    )
    with op.batch_alter_table("federation_entry", schema=None) as batch_op:
        batch_op.create_index("ix_federation_entry_in_force", ["origin", "withdrawn_at"], unique=False)

    with op.batch_alter_table("federation_letter", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cleared_at", UtcDateTime(), nullable=True))
        batch_op.create_index("ix_federation_letter_kept", ["cleared_at", "answered_at"], unique=False)
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """Note the departments of the entries that nodes below told so far."""
    names = ("id", "origin", "document")
    entry = sa.table("federation_entry", *(sa.column(name, sa.String) for name in names))
    department = sa.table("federation_department", sa.column("node_id", sa.String), sa.column("org_id", sa.String))
    query = sa.select(entry).order_by(entry.c.id).limit(_PART)
    known: set[tuple[str, str]] = set()
    after = ""
    while rows := connection.execute(query.where(entry.c.id > after)).all():
        known |= {(row.origin, json.loads(row.document)["entry"]["provider_id"]) for row in rows}
        after = rows[-1].id
    if known:
        connection.execute(sa.insert(department), [{"node_id": node, "org_id": org} for node, org in sorted(known)])


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
