"""Tables of the work plan are written once after the upgrade: what had changed before it waits nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic import command
from sqlalchemy import bindparam, text

from beijiang.assess.store import PlanTableStore
from beijiang.db import Database, JsonDocument, UtcDateTime, migrations
from beijiang.kit import SYSTEM

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def test_tables_kept_before_are_stale_after(database: Database) -> None:
    with database.begin(counted=False) as work:
        config = migrations.configuration()
        config.attributes["connection"] = work.connection
        command.upgrade(config, "0076")
    kept = text(
        "INSERT INTO plan_table_set (org_id, owner, by_name, set_at, digest, written_at)"
        " VALUES ('bigdata', :owner, 'x', :at, 'd', :at)"
    ).bindparams(bindparam("owner", type_=JsonDocument), bindparam("at", type_=UtcDateTime))
    with database.begin(counted=False) as work:
        work.execute(kept, {"owner": SYSTEM.to_json(), "at": BEFORE})
    migrations.upgrade(database)
    with database.read() as connection:
        (found,) = PlanTableStore(connection).all()
    assert (found.moves, found.moves_written, found.written_at) == (1, 0, BEFORE)
    assert found.stale_since is not None
