"""Pushes know their place and their key; allowed targets know for what and for whom they are open."""

from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

from beijiang.db.schema import JsonDocument

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_PORTS = {"postgresql": 5432, "mysql": 3306, "sftp": 22, "https": 443, "http": 80}


def upgrade() -> None:
    with op.batch_alter_table("exchange_push", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("owner_key", sa.String(length=40), server_default="", nullable=False))
    with op.batch_alter_table("ingest_target", schema=None) as batch_op:
        batch_op.add_column(sa.Column("uses", JsonDocument, server_default='["read"]', nullable=False))
        batch_op.add_column(sa.Column("org_id", sa.String(length=60), server_default="", nullable=False))
        batch_op.add_column(sa.Column("plain_http", sa.Boolean(), server_default=sa.false(), nullable=False))
    _keep_what_is_used()


def _keep_what_is_used() -> None:
    """Leave what was opened open for reading, for pushes where one goes there, and for calls where a service is there."""
    connection = op.get_bind()
    target = sa.table(
        "ingest_target",
        *(sa.column(name) for name in ("id", "host", "port", "folder")),
        sa.column("uses", JsonDocument),
    )
    push = sa.table("exchange_push", sa.column("kind"), sa.column("state"), sa.column("options", JsonDocument))
    version = sa.table("exchange_service_version", sa.column("spec", JsonDocument))
    live = sa.select(push.c.kind, push.c.options).where(push.c.state != "ended")
    pushed = {_place(row.kind, row.options) for row in connection.execute(live)}
    called = {
        _of_url(row.spec[name])
        for row in connection.execute(sa.select(version.c.spec))
        for name in ("base_url", "key_url")
        if row.spec.get(name)
    }
    for row in connection.execute(sa.select(target.c.id, target.c.host, target.c.port, target.c.folder)).all():
        uses = ["read"]
        if _goes_to(row, pushed):
            uses.insert(0, "push")
        if _goes_to(row, called):
            uses.insert(0, "call")
        connection.execute(sa.update(target).where(target.c.id == row.id).values(uses=uses))


def _place(kind: str, options: dict[str, Any]) -> tuple[str, int]:
    url = options.get("url") or options.get("endpoint")
    if url:
        return _of_url(url)
    return str(options.get("host", "")).casefold(), int(options.get("port") or _PORTS.get(kind, 0))


def _of_url(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "").casefold(), parts.port or _PORTS.get(parts.scheme, 0)


def _goes_to(row: Any, places: set[tuple[str, int]]) -> bool:
    if row.folder:
        above = row.folder.rstrip("/") + "/"
        return any(f"{host}/".startswith(above.casefold()) for host, _ in places)
    return (row.host.casefold(), row.port) in places


def downgrade() -> None:
    message = "beijiang migrates forward only; restore a backup instead"
    raise NotImplementedError(message)
