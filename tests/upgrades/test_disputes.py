"""A dispute that was open before its effects came is not decided by who asked, decided, raised or answered."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic import command
from sqlalchemy import Insert, column, insert, select, table

from beijiang.db import Database, UtcDateTime, migrations
from beijiang.db.schema import JsonDocument

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def rows(name: str, *values: dict[str, object]) -> Insert:
    """Return an order that adds rows as a release before wrote them."""
    kinds = {datetime: UtcDateTime, dict: JsonDocument}
    columns = [column(key, kinds.get(type(one))) for key, one in values[0].items()]
    return insert(table(name, *columns)).values(list(values))


def step(matter: str, place: int, by: str, move: str, **detail: str) -> dict[str, object]:
    return {
        "matter_id": matter, "place": place, "at": BEFORE, "by": by, "name": by, "org_id": None, "behalf": "", "move": move,
        "stage": "", "words": "", "detail": dict(detail),
    }  # fmt: skip


def dispute(one: str, by: str, subject: str, state: str) -> dict[str, object]:
    return {
        "id": one, "kind": "revocation", "org_id": "health", "by": by, "by_name": by, "against": "commerce",
        "subject": subject, "title": "企业登记信息", "words": "", "state": state, "basis": "", "urged": 0, "revision": 1,
        "created_at": BEFORE, "changed_at": BEFORE,
    }  # fmt: skip


def test_who_took_part_in_what_is_disputed_is_barred(database: Database) -> None:
    with database.begin(counted=False) as work:
        config = migrations.configuration()
        config.attributes["connection"] = work.connection
        command.upgrade(config, "0075")
    with database.begin(counted=False) as work:
        work.execute(
            rows(
                "exchange_request",
                {
                    "id": "req_1", "org_id": "health", "by": "asker", "by_name": "asker", "draft": {}, "resource_id": "res_1",
                    "resource_name": "企业登记信息", "resource_version": 1, "table_name": "企业登记信息", "provider_id": "commerce",
                    "state": "approved", "stages": {}, "at_stage": 0, "offered": {}, "urged": 0, "revision": 1,
                    "created_at": BEFORE,
                },
            )
        )  # fmt: skip
        work.execute(
            rows(
                "exchange_grant",
                {
                    "id": "gra_1", "request_id": "req_1", "resource_id": "res_1", "resource_name": "企业登记信息",
                    "table_name": "企业登记信息", "provider_id": "commerce", "org_id": "health", "grantee_kind": "person",
                    "grantee_id": "holder", "terms": {}, "levels": {}, "until": BEFORE.date(), "purpose": "", "use": "",
                    "basis": "", "agreement": "", "state": "revoked", "revision": 1, "made_at": BEFORE, "reason": "",
                },
            )
        )  # fmt: skip
        work.execute(
            rows(
                "exchange_step",
                step("req_1", 1, "clerk", "submit"),
                step("req_1", 2, "reviewer", "approve"),
                step("gra_1", 1, "deputy", "revoke", behalf="lead"),
                step("dis_1", 1, "colleague", "raise"),
                step("dis_1", 2, "lawyer", "keep"),
            )
        )
        work.execute(
            rows(
                "exchange_dispute",
                dispute("dis_1", "colleague", "gra_1", "mediating"),
                dispute("dis_2", "colleague", "gra_1", "settled"),
            )
        )
    migrations.upgrade(database)
    known = table("exchange_dispute", column("id"), column("barred"))
    with database.read() as connection:
        barred = {row.id: row.barred.split() for row in connection.execute(select(known))}
    assert barred["dis_1"] == ["asker", "clerk", "colleague", "deputy", "holder", "lawyer", "lead"]
    assert barred["dis_2"] == []
