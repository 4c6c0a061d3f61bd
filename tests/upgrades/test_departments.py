"""Departments of nodes below are known from the entries that those told so far: they count against the cap from the first day."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import command

from beijiang.db import Database, UtcDateTime, migrations

AT = datetime(2026, 1, 1, tzinfo=UTC)
INSERT = sa.text(
    "INSERT INTO federation_entry (id, origin, theirs, version, digest, name, words, document, document_digest, url,"
    " items_left_off, published_at, received_at)"
    " VALUES (:id, :origin, :id, 1, '', '', '', :document, '', '', 0, :at, :at)"
).bindparams(sa.bindparam("at", type_=UtcDateTime()))


def test_departments_are_those_of_the_entries(database: Database) -> None:
    with database.begin(counted=False) as work:
        config = migrations.configuration()
        config.attributes["connection"] = work.connection
        command.upgrade(config, "0070")
    for number, (origin, org) in enumerate((("NM-1501", "peer-a"), ("NM-1501", "peer-a"), ("NM-1502", "peer-b"))):
        document = json.dumps({"number": 1, "codes": [], "entry": {"provider_id": org}})
        with database.begin(counted=False) as work:
            work.execute(INSERT, {"id": f"lnk_{number}", "origin": origin, "document": document, "at": AT})
    migrations.upgrade(database)
    with database.read() as connection:
        found = connection.execute(sa.text("SELECT node_id, org_id FROM federation_department ORDER BY node_id")).all()
    assert [tuple(row) for row in found] == [("NM-1501", "peer-a"), ("NM-1502", "peer-b")]
