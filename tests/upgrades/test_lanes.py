"""Subscriptions with news that wait come into lanes, and their news go on waiting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alembic import command
from sqlalchemy import bindparam, text

from beijiang.db import Database, UtcDateTime, migrations

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def test_old_subscriptions_come_into_lanes_and_keep_their_news(database: Database) -> None:
    with database.begin(counted=False) as work:
        config = migrations.configuration()
        config.attributes["connection"] = work.connection
        command.upgrade(config, "0061")
    moment = bindparam("at", type_=UtcDateTime)
    follow = text(
        "INSERT INTO portal_follow (id, by, kind, what, way, pace, language, state, sealed, address_digest, code_digest,"
        " end_digest, attempts, error, created_at) VALUES (:id, '', 'dataset', 'ds_1', :way, 'once', 'en', 'active', '',"
        " :digest, '', '', 0, '', :at)"
    ).bindparams(moment)
    news = text("INSERT INTO portal_follow_news VALUES ('hook', 'ds_1', 'rows', 7, :at)").bindparams(moment)
    old: list[dict[str, Any]] = [
        {"id": "hook", "way": "webhook", "digest": "d" * 64, "at": BEFORE},
        {"id": "mail", "way": "mail", "digest": "m" * 64, "at": BEFORE},
        {"id": "notice", "way": "notice", "digest": "", "at": BEFORE},
    ]
    with database.begin(counted=False) as work:
        work.execute(follow, old)
        work.execute(news, {"at": BEFORE})
    migrations.upgrade(database)
    with database.read() as connection:
        lanes = connection.execute(text("SELECT id, lane FROM portal_follow")).all()
        waiting = connection.execute(text("SELECT follow_id, dataset_id, place FROM portal_follow_news")).all()
    assert {row.id: row.lane for row in lanes} == {"hook": "d" * 64, "mail": "mail", "notice": ""}
    assert [tuple(row) for row in waiting] == [("hook", "ds_1", 7)]
