"""The signed tree over the evidence, the keys that sign it, peers outside; what adds to a receipt is found by it."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
ABOUT_SOMETHING = sa.text("about IS NOT NULL")


def upgrade() -> None:
    op.add_column("evidence_record", sa.Column("about", sa.String(40)))
    op.create_index(
        "ix_evidence_record_about",
        "evidence_record",
        ["about"],
        sqlite_where=ABOUT_SOMETHING,
        postgresql_where=ABOUT_SOMETHING,
    )
    op.create_table(
        "evidence_shard",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("origin", sa.String(300), nullable=False),
        sa.Column("first", SEQUENCE, nullable=False),
        sa.Column("size", SEQUENCE, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "evidence_tile",
        sa.Column("shard", sa.String(40), primary_key=True),
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", SEQUENCE, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "evidence_checkpoint",
        sa.Column("shard", sa.String(40), primary_key=True),
        sa.Column("size", SEQUENCE, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "evidence_cosignature",
        sa.Column("shard", sa.String(40), primary_key=True),
        sa.Column("size", SEQUENCE, primary_key=True, autoincrement=False),
        sa.Column("witness", sa.String(200), primary_key=True),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "evidence_key",
        sa.Column("role", sa.String(20), primary_key=True),
        sa.Column("public", sa.String(600), nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "evidence_peer",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", sa.String(600), nullable=False, unique=True),
        sa.Column("url", sa.String(600), nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.Column("added_by", sa.String(100), nullable=False),
        sa.Column("trouble_zh", sa.Text),
        sa.Column("trouble_en", sa.Text),
    )
    op.create_table(
        "evidence_seen",
        sa.Column("origin", sa.String(300), primary_key=True),
        sa.Column("size", SEQUENCE, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "evidence_fork",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("origin", sa.String(300), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("known", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
