"""The steps of the migrations end at exactly the tables that the code declares, on both databases."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

import beijiang.build  # noqa: F401  # every domain declares its tables when it is imported
from beijiang.db import Database, metadata, migrations
from beijiang.kit import Conflict


def test_an_empty_database_comes_to_the_declared_tables(database: Database) -> None:
    migrations.upgrade(database)
    assert migrations.current(database) == migrations.HEAD
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        assert compare_metadata(context, metadata) == []
        names = set(inspect(connection).get_table_names())
    assert set(metadata.tables) <= names


def test_upgrading_again_changes_nothing(database: Database) -> None:
    migrations.upgrade(database)
    migrations.upgrade(database)
    assert migrations.current(database) == migrations.HEAD


def test_a_database_of_a_newer_release_is_refused(database: Database) -> None:
    migrations.upgrade(database)
    with database.begin() as work:
        work.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict) as refusal:
        migrations.upgrade(database)
    assert refusal.value.reason == "database_newer"


def test_head_names_the_newest_step() -> None:
    steps = sorted(p.name[:4] for p in (Path(migrations.__file__).parent / "versions").glob("[0-9]*.py"))
    assert steps[-1] == migrations.HEAD
    assert steps == [f"{n:04}" for n in range(1, len(steps) + 1)]


def _ours(_item: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    return not (kind == "table" and (name or "").startswith(("catalog_fts", "catalog_words", "alembic_version")))
