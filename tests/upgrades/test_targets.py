"""Targets that were opened before uses were told go on as what they were meant for."""

from __future__ import annotations

import json
from pathlib import Path

from alembic import command
from sqlalchemy import text

from beijiang.db import Database, migrations


def test_old_targets_stay_open_for_what_they_were_used_for(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'm.db'}")
    with database.begin(counted=False) as work:
        config = migrations.configuration()
        config.attributes["connection"] = work.connection
        command.upgrade(config, "0034")
    targets = {
        "read": ("db.read", 5432, ""),
        "pushed": ("DB.push", 5432, ""),
        "hooked": ("hook", 8080, ""),
        "ended": ("old.push", 3306, ""),
        "socket": ("", 0, "/run/pg"),
        "other": ("", 0, "/run/p"),
        "served": ("svc", 443, ""),
    }
    pushes = [
        ("postgresql", "active", {"host": "db.push"}),
        ("webhook", "held", {"url": "http://hook:8080/in"}),
        ("mysql", "ended", {"host": "old.push", "port": 3306}),
        ("postgresql", "active", {"host": "/run/pg/15"}),
    ]
    with database.begin(counted=False) as work:
        for name, (host, port, folder) in targets.items():
            work.execute(
                text(
                    "INSERT INTO ingest_target VALUES (:id, :host, :port, '10.0.0.0/8', :folder, 'r', 'x', '2026-01-01')"
                ),
                {"id": name, "host": host, "port": port, "folder": folder},
            )
        for number, (kind, state, options) in enumerate(pushes):
            facts = {"id": f"psh_{number}", "kind": kind, "state": state, "options": json.dumps(options)}
            work.execute(
                text(
                    "INSERT INTO exchange_push (id, grant_id, org_id, provider_id, table_name, resource_name, name, kind, target,"
                    " options, secrets, mode, owner_id, owner_name, created_at, state, sequence, shape, slow, lease, revision)"
                    " VALUES (:id, 'g', 'o', 'p', 't', 'r', 'n', :kind, 't', :options, '{}', 'full', 'x', 'x', '2026-01-01', :state,"
                    " 0, '', 0, '', 1)"
                ),
                facts,
            )
        spec = json.dumps({"base_url": "https://svc/api", "key_url": ""})
        work.execute(
            text(
                "INSERT INTO exchange_service_version (service_id, number, state, spec, secret, by_name, at)"
                " VALUES ('svc_1', 1, 'live', :spec, '', 'x', '2026-01-01')"
            ),
            {"spec": spec},
        )
    migrations.upgrade(database)
    with database.read() as connection:
        rows = connection.execute(text("SELECT id, uses, org_id, plain_http FROM ingest_target")).all()
    assert {row.id: json.loads(row.uses) for row in rows} == {
        "read": ["read"],
        "pushed": ["push", "read"],
        "hooked": ["push", "read"],
        "ended": ["read"],
        "socket": ["push", "read"],
        "other": ["read"],
        "served": ["call", "read"],
    }
    assert {(row.org_id, bool(row.plain_http)) for row in rows} == {("", False)}
    database.close()
