"""What Alembic runs: our connection, our metadata, nothing from the environment."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON

from beijiang.db.schema import UtcDateTime, metadata

OWN_TYPES = "from beijiang.db.schema import JsonDocument, UtcDateTime"


def render(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Write our own column types by their names."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime | JSON):
        autogen.imports.add(OWN_TYPES)
        return "UtcDateTime()" if isinstance(item, UtcDateTime) else "JsonDocument"
    return False


def ours(_item: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """Leave out the word index, whose tables are no ordinary ones on either database."""
    return not (kind == "table" and (name or "").startswith(("catalog_fts", "catalog_words")))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=render,
    include_object=ours,
)
with context.begin_transaction():
    context.run_migrations()
