"""Requests that are under way say which stage is worked at, and webhooks where they lead; without anybody's step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import command

from beijiang.db import Database, JsonDocument, UtcDateTime, migrations

AT = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = [{"id": f"stage_{n}", "permission": f"exchange:request:{n}"} for n in range(2)]


def row_of(database: Database, name: str, **known: Any) -> None:
    """Insert a row of which only some columns matter; the others get what their type and its rules ask for."""
    with database.begin(counted=False) as work:
        table = sa.Table(name, sa.MetaData(), autoload_with=work.connection)
        filler = {sa.Integer: 0, sa.BigInteger: 0, sa.Boolean: False}
        values: dict[str, Any] = {}
        for column in table.columns:
            plain = next((value for kind, value in filler.items() if isinstance(column.type, kind)), "")
            if column.name.endswith("_at"):
                column.type, plain = UtcDateTime(), AT
            if column.name in known or not column.nullable:
                values[column.name] = known.get(column.name, plain)
        for key, value in known.items():
            if isinstance(value, (dict, list)):
                table.columns[key].type = JsonDocument
        work.execute(sa.insert(table).values(values))


def test_stages_and_places_are_named(database: Database) -> None:
    with database.begin(counted=False) as work:
        config = migrations.configuration()
        config.attributes["connection"] = work.connection
        command.upgrade(config, "0065")
    empty: dict[str, Any] = {"draft": {}, "offered": {}}
    row_of(database, "exchange_request", id="running", state="provider_review", at_stage=1, stages=STAGES, **empty)
    row_of(database, "exchange_request", id="over", state="approved", at_stage=1, stages=STAGES, **empty)
    shared: dict[str, Any] = {"secrets": {}}
    url = "https://empfang.example:8443/geheim?token=1"
    row_of(database, "exchange_push", id="hook", kind="webhook", target="", options={"url": url}, **shared)
    row_of(database, "exchange_push", id="table", kind="mysql", target="firms", options={"host": "h"}, **shared)
    migrations.upgrade(database)
    with database.read() as connection:
        asked = connection.execute(sa.text("SELECT id, stage, asks FROM exchange_request ORDER BY id")).all()
        there = connection.execute(sa.text("SELECT id, target FROM exchange_push ORDER BY id")).all()
    assert [tuple(row) for row in asked] == [("over", None, None), ("running", "stage_1", "exchange:request:1")]
    assert [tuple(row) for row in there] == [("hook", "https://empfang.example:8443"), ("table", "firms")]
