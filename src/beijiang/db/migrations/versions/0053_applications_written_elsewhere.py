"""applications written elsewhere."""

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument, UtcDateTime

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_client",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("org_id", sa.String(length=60), nullable=False),
        sa.Column("facts", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("proposed", JsonDocument, nullable=True),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_client")),
    )
    with op.batch_alter_table("app_client", schema=None) as batch_op:
        batch_op.create_index("ix_app_client_org_id", ["org_id"], unique=False)

    op.create_table(
        "app_client_secret",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_client_secret")),
        sa.UniqueConstraint("digest", name=op.f("uq_app_client_secret_digest")),
    )
    with op.batch_alter_table("app_client_secret", schema=None) as batch_op:
        batch_op.create_index("ix_app_client_secret_client_id", ["client_id"], unique=False)

    op.create_table(
        "app_code",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("family_id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scopes", JsonDocument, nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("challenge", sa.String(length=128), nullable=False),
        sa.Column("signed_in_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_app_code")),
    )
    with op.batch_alter_table("app_code", schema=None) as batch_op:
        batch_op.create_index("ix_app_code_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "app_consent",
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("scopes", JsonDocument, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "client_id", name=op.f("pk_app_consent")),
    )
    op.create_table(
        "app_sign_on",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=True),
        sa.Column("scopes", JsonDocument, nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_sign_on")),
    )
    with op.batch_alter_table("app_sign_on", schema=None) as batch_op:
        batch_op.create_index("ix_app_sign_on_ends_at", ["ends_at"], unique=False)
        batch_op.create_index("ix_app_sign_on_person_id", ["person_id", "client_id"], unique=False)

    op.create_table(
        "app_signing_key",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("public", JsonDocument, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_signing_key")),
    )
    op.create_table(
        "app_subscription",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("api", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("plan", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_subscription")),
        sa.UniqueConstraint("client_id", "api", name=op.f("uq_app_subscription_client_id_api")),
    )
    op.create_table(
        "app_token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("family_id", sa.String(length=40), nullable=True),
        sa.Column("scopes", JsonDocument, nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_app_token")),
    )
    with op.batch_alter_table("app_token", schema=None) as batch_op:
        batch_op.create_index("ix_app_token_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "app_use",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("api", sa.String(length=200), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("bins", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "api", "hour", name=op.f("pk_app_use")),
    )


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
