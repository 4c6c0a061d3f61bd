"""Bring a metadata database up to the shape this program needs; forward only, in one transaction per step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from beijiang.kit import Conflict

if TYPE_CHECKING:
    from alembic.config import Config

    from beijiang.db.database import Database

HEAD = "0079"
"""The newest step; a test keeps it equal to the newest file under versions/."""


def current(database: Database) -> str | None:
    """Return the step that the database is at, or None if it is empty."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def upgrade(database: Database) -> None:
    """Run the steps that are missing; a database of a newer program is refused.

    Raises:
        Conflict: the database was made by a newer release (``database_newer``).

    """
    at = current(database)
    if at == HEAD:
        return
    if at is not None and at > HEAD:
        raise Conflict(
            "元数据库由更新的版本建立，请升级程序后再启动。",
            "A newer release made this metadata database; upgrade the program before starting it.",
            code="database_newer",
        )
    from alembic import command

    with database.begin(counted=False) as work:  # the count may not be there yet
        config = configuration()
        config.attributes["connection"] = work.connection
        command.upgrade(config, "head")


def configuration() -> Config:
    """Return Alembic's configuration, which needs no ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
